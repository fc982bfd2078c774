#include "purge/settle.hpp"

#include <gmock/gmock.h>

#include "purge/purge.hpp"
#include "storage/place_list.hpp"
#include "support/files.hpp"
#include "support/planned.hpp"

namespace cleanerd::purge {
namespace {

using storage::Owner;
using storage::Place;
using testing::ElementsAre;

TEST(SettleEarlier, ClosesWhatIsGoneOrSomebodysByNowAndLeavesTheRestOpen) {
  const test::TempDir directory;
  const std::string root = (directory.path() / "root").string(), blobs = "/buildkit/content/blobs/sha256/";
  test::an_inventory scenario = test::an_inventory().with(test::build("later"));
  storage::PlaceList list;
  for (const char* name : {"taken", "left"}) test::write_file(root + blobs + name, "");
  list.add(Place::Kind::blob, root + blobs + "taken", {Owner::Kind::build, scenario.snapshot.builds[0].ref.str()}, true);
  list.found(Place::Kind::blob, root + blobs + "left");
  scenario.snapshot.places = std::move(list).finish();
  scenario.snapshot.data_root = root;
  test::Planned planned = test::planned(scenario);
  const Look now{std::move(planned.inventory), std::move(planned.findings), std::move(planned.plan), {}, {}};

  auto journal = Journal::open((directory.path() / "state").string());
  ASSERT_TRUE(journal);
  std::vector<Planned> open;
  for (const char* name : {"gone", "left", "taken"}) open.push_back({"orphan.layer:" + blobs + name, "secrets"});
  ASSERT_TRUE(journal->begin("test-engine", {}, open));
  ASSERT_TRUE(settle_earlier(*journal, now));
  EXPECT_THAT(journal->unfinished("test-engine").value(), ElementsAre("orphan.layer:" + blobs + "left"));
}

}  // namespace
}  // namespace cleanerd::purge
