#include "report/gate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/planned.hpp"

namespace cleanerd::report {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Fingerprinter kFingerprint{Fingerprinter::Key{}};

class GateTest : public testing::Test {
 protected:
  explicit GateTest(const an_inventory& host = an_inventory()
                                                   .with(image("base").tagged("base:1"))
                                                   .with(image("app").tagged("app:1").tagged("team/app:1").parent("base"))
                                                   .with(image("other").tagged("library/nested/other:1"))) {
    Planned result = planned(host);
    look_ = purge::Look{std::move(result.inventory), std::move(result.findings), std::move(result.plan), {}};
  }

  Document gate(const std::string& name, std::vector<inventory::Unread> unread = {}) {
    look_->unread = std::move(unread);
    const std::vector<std::string> names{name};
    const auto images = find_images(look_->inventory, names);
    EXPECT_TRUE(images) << name;
    return gate_document(make_document(Command::gate, *look_, nullptr, {}, kFingerprint, Duration(0)), *look_, *images);
  }
  std::string found(const std::string& name) {
    const std::vector<std::string> names{name};
    const auto images = find_images(look_->inventory, names);
    return images ? name_of(look_->inventory[images->at(0)]) : images.error().message();
  }
  inventory::Unread unread_in(const std::string& place, std::initializer_list<const char*> owners) {
    inventory::Unread unread{place, "is encrypted"};
    for (const char* owner : owners) unread.owners.push_back(index_of(look_->inventory, owner));
    return unread;
  }

  std::optional<purge::Look> look_;
};

TEST_F(GateTest, TellsWhatCouldNotBeReadOfTheImageAndOfWhatItStandsOn) {
  for (const char* owner : {"app", "base"}) {
    const Document document = gate("app:1", {unread_in("/l/a.zip", {owner, "other"})});
    EXPECT_FALSE(document.complete) << owner;
    ASSERT_EQ(document.unread.size(), 1u);
    EXPECT_EQ(document.unread[0].place, "/l/a.zip");
  }
}

TEST_F(GateTest, TellsWhatCouldNotBeReadAndIsNoObjectsAlone) {
  EXPECT_FALSE(gate("app:1", {unread_in("the data root", {})}).complete);
}

TEST_F(GateTest, LeavesOutWhatCouldNotBeReadOfOthers) {
  const Document document = gate("base:1", {unread_in("/l/a.zip", {"app"}), unread_in("/l/b.zip", {"other"})});
  EXPECT_TRUE(document.complete);
  EXPECT_THAT(document.unread, IsEmpty());
}

TEST_F(GateTest, TakesTheNamesThatDockerTakes) {
  for (const char* name : {"app:1", "library/app:1", "docker.io/library/app:1", "index.docker.io/app:1", "docker.io/team/app:1", "app00", "image.tagged:sha256:app00"})
    EXPECT_EQ(found(name), "app") << name;
  EXPECT_EQ(found("library/nested/other:1"), "other");
}

TEST_F(GateTest, TakesNoNameForAnother) {
  for (const char* name : {"library/team/app:1", "library/app00", "docker.io/app00", "nested/other:1", "app:2"}) EXPECT_THAT(found(name), HasSubstr("there is no image")) << name;
}

}  // namespace
}  // namespace cleanerd::report
