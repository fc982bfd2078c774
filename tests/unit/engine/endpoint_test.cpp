#include "engine/endpoint.hpp"

#include <gtest/gtest.h>

namespace cleanerd::engine {
namespace {

TEST(ParseEndpoint, TakesAbsoluteUnixSockets) {
  const auto endpoint = parse_endpoint("unix:///run/user/1000/docker.sock");
  ASSERT_TRUE(endpoint);
  EXPECT_EQ(endpoint->socket_path, "/run/user/1000/docker.sock");
  EXPECT_EQ(to_string(*endpoint), "unix:///run/user/1000/docker.sock");
  EXPECT_TRUE(parse_endpoint(kDefaultHost));
}

TEST(ParseEndpoint, RefusesEverythingElse) {
  const std::string too_long(108, 'x');
  for (const std::string& host : {std::string(), std::string("/var/run/docker.sock"), std::string("tcp://127.0.0.1:2375"),
                                  std::string("ssh://me@host"), std::string("unix://"), std::string("unix://docker.sock"),
                                  std::string("unix:///"), std::string("unix:///run/"), std::string("UNIX:///x"), std::string("npipe:////./pipe/docker"), "unix:///" + too_long,
                                  std::string("unix:///a\0b", 11)}) {
    const auto endpoint = parse_endpoint(host);
    ASSERT_FALSE(endpoint) << host;
    EXPECT_EQ(endpoint.error().code(), Errc::usage);
  }
}

TEST(ParseEndpoint, KnowsTheLongestPathOfASocketAddress) {
  EXPECT_TRUE(parse_endpoint("unix://" + ("/" + std::string(106, 'x'))));
  EXPECT_FALSE(parse_endpoint("unix://" + ("/" + std::string(107, 'x'))));
}

TEST(ParseEndpoint, DoesNotRepeatAPasswordOrControlCharacters) {
  EXPECT_EQ(parse_endpoint("tcp://me:hunter2@host:2375").error().message().find("hunter2"), std::string::npos);
  EXPECT_EQ(parse_endpoint("unix://\x1b[31m").error().message().find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace cleanerd::engine
