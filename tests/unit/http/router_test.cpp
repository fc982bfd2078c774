#include "http/router.hpp"

#include <gmock/gmock.h>

namespace cleanerd::http {
namespace {

using testing::ElementsAre;
using testing::Pair;

const Handler kNothing = [](Request, Responder) {};

Router some_routes() {
  Router router;
  router.add("GET", "/v1/sessions", kNothing, Work::quick)
      .add("POST", "/v1/sessions", kNothing)
      .add("DELETE", "/v1/sessions/{id}", kNothing)
      .add("GET", "/v1/sessions/{id}/builds/{build}", kNothing);
  return router;
}

TEST(Router, CapturesWholeSegmentsDecoded) {
  const Router router = some_routes();
  const auto match = router.find("GET", "/v1/sessions/a%20b/builds/x%2Fy");
  ASSERT_TRUE(match.handler);
  EXPECT_EQ(match.status, 200u);
  EXPECT_THAT(match.captures, ElementsAre(Pair("id", "a b"), Pair("build", "x/y")));
  EXPECT_EQ(match.work, Work::slow);
}

TEST(Router, HeadIsServedByGet) {
  const Router router = some_routes();
  EXPECT_EQ(router.find("HEAD", "/v1/sessions").handler, router.find("GET", "/v1/sessions").handler);
  EXPECT_EQ(router.find("HEAD", "/v1/sessions").work, Work::quick);
}

TEST(Router, APathWithoutThatMethodNamesThoseItHas) {
  const Router router = some_routes();
  const auto match = router.find("PUT", "/v1/sessions");
  EXPECT_EQ(match.status, 405u);
  EXPECT_FALSE(match.handler);
  EXPECT_EQ(match.allow, "GET, HEAD, POST");
  EXPECT_EQ(router.find("HEAD", "/v1/sessions/1").status, 405u);
}

TEST(Router, EverythingElseIsNotFound) {
  const Router router = some_routes();
  for (const char* path : {"/", "/v1", "/v1/sessions/", "/v1/sessions/1/builds", "/V1/sessions", "//v1/sessions", "/v1/sessions/1/builds/"})
    EXPECT_EQ(router.find("GET", path).status, 404u) << path;
}

TEST(Router, TheFirstThatFitsAnswers) {
  Router router;
  router.add("GET", "/{any}", kNothing, Work::slow).add("GET", "/exact", kNothing, Work::quick);
  EXPECT_EQ(router.find("GET", "/exact").work, Work::slow);
}

}  // namespace
}  // namespace cleanerd::http
