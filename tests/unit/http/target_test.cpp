#include "http/target.hpp"

#include <gmock/gmock.h>

namespace cleanerd::http {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(ParseTarget, DecodesTheQueryAndLeavesThePathAsItIs) {
  const auto target = parse_target("/v1/a%2Fb?image=x%3A1&all&name=two+words&image=y");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/v1/a%2Fb");
  EXPECT_THAT(target->query, ElementsAre(Pair("image", "x:1"), Pair("all", ""), Pair("name", "two words"), Pair("image", "y")));
}

TEST(ParseTarget, AnEmptyQueryHasNoParameters) {
  EXPECT_THAT(parse_target("/?")->query, IsEmpty());
  EXPECT_THAT(parse_target("/?&&")->query, IsEmpty());
}

TEST(ParseTarget, RefusesOtherFormsAndWrongEncodings) {
  for (const char* wrong : {"", "*", "http://host/", "host:80", "/%", "/%4", "/%zz", "/%00", "/?a=%", "/?%00=1", "/?a=%G0"})
    EXPECT_FALSE(parse_target(wrong)) << wrong;
}

TEST(SegmentsOf, AnEncodedSlashIsPartOfItsSegment) {
  EXPECT_THAT(*segments_of("/images/registry%2Fapp:1/gate"), ElementsAre("images", "registry/app:1", "gate"));
  EXPECT_THAT(*segments_of("/a+b//"), ElementsAre("a+b", "", ""));
}

}  // namespace
}  // namespace cleanerd::http
