// Answers that come in pieces, and clients that go before they have them.
#include <gmock/gmock.h>

#include "unit/http/served.hpp"

namespace cleanerd::http {
namespace {

using namespace cleanerd::test;

TEST(Streams, EachChunkArrivesWhenItIsWritten) {
  Event first_seen;
  Router router;
  router.add("GET", "/progress", [&](Request, Responder responder) {
    responder.begin(200, "application/x-ndjson");
    responder.write("{\"step\":1}\n");
    first_seen.wait();
    responder.write("");
    responder.write("{\"step\":2}\n");
    responder.end();
  });
  Served served(std::move(router));
  auto client = served.connect();
  client.send("GET /progress HTTP/1.1\r\nHost: x\r\n\r\n");
  client.receive_head();
  EXPECT_EQ(client.receive_chunk(), "{\"step\":1}\n");
  first_seen.set();
  EXPECT_EQ(client.receive_chunk(), "{\"step\":2}\n");
  EXPECT_EQ(client.receive_chunk(), "");
  EXPECT_EQ(client.get("/progress").body, "{\"step\":1}\n{\"step\":2}\n");
}

TEST(Streams, OneThatIsNotEndedIsCut) {
  Router router;
  router.add("GET", "/cut", [](Request, Responder responder) {
    responder.begin(200, "text/plain");
    responder.write("half");
    throw std::runtime_error("in the middle");
  });
  Served served(std::move(router));
  auto client = served.connect();
  const Answer answer = client.get("/cut");
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.complete);
}

TEST(Streams, ToHttp10EndWithTheConnection) {
  Router router;
  router.add("GET", "/lines", [](Request, Responder responder) {
    responder.begin(200, "text/plain");
    for (int i = 0; i < 3; ++i) responder.write("line\n");
    responder.end();
  });
  Served served(std::move(router));
  auto client = served.connect();
  client.send("GET /lines HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.receive().body, "line\nline\nline\n");
}

TEST(Streams, TheHandlerLearnsThatItsClientHasGone) {
  Event at_work, stopped, write_failed;
  Router router;
  router.add("GET", "/wait", [&](Request, Responder responder) {
    std::stop_callback on_stop(responder.stop(), [&] { stopped.set(); });
    at_work.set();
    stopped.wait();
    responder.begin(200, "text/plain");
    while (responder.write(std::string(10'000, 'x'))) continue;
    write_failed.set();
  });
  Served served(std::move(router));
  auto client = served.connect();
  client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(at_work.wait());
  client.close();
  EXPECT_TRUE(stopped.wait());
  EXPECT_TRUE(write_failed.wait());
  EXPECT_TRUE(eventually([&] { return served->connections() == 0; }));
}

TEST(Streams, AClientThatHasOnlyEndedItsSendingGetsItsAnswer) {
  Served served;
  auto client = served.connect();
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  client.end_sending();
  EXPECT_EQ(client.receive().body.size(), 1u << 20);
  EXPECT_TRUE(client.is_closed());
}

TEST(Streams, AClientThatHasSentAllIsServedToTheEndOfIt) {
  Event release;
  Router router = echo_router();
  router.add("GET", "/wait", [&](Request, Responder responder) {
    std::stop_callback on_stop(responder.stop(), [&] { release.set(); });
    release.wait();
    responder.send(200, "text/plain", "waited");
  });
  Served served(std::move(router));
  const std::string get = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n", post = "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody";
  for (const std::string& unfinished : {std::string(), post.substr(0, post.size() - 1), get.substr(0, 5), std::string("nonsense\r\n\r\n")}) {
    auto client = served.connect();
    client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + get + post + unfinished);
    client.end_sending();
    EXPECT_EQ(client.receive().body, "waited");
    EXPECT_EQ(client.receive().body, "GET /echo");
    EXPECT_EQ(client.receive().body, "body");
    if (unfinished.starts_with("non")) {
      EXPECT_EQ(client.receive().status, 400);
    }
    EXPECT_TRUE(client.is_closed());
  }
}

TEST(Streams, WhatIsSentAheadDoesNotDisturbThem) {
  Event sent_ahead;
  Router router = echo_router();
  router.add("GET", "/slow", [&](Request, Responder responder) {
    sent_ahead.wait();
    responder.send(200, "text/plain", "slow");
  });
  Served served(std::move(router));
  auto client = served.connect();
  client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string ahead;
  for (int i = 0; i < 1000; ++i) ahead += "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send(ahead);
  sent_ahead.set();
  EXPECT_EQ(client.receive().body, "slow");
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(client.receive().body, "GET /echo");
}

TEST(Streams, AnAnswerMayComeFromAnotherThreadLater) {
  std::optional<Responder> kept;
  Event handled;
  Router router;
  router.add("GET", "/later", [&](Request, Responder responder) {
    kept.emplace(std::move(responder));
    handled.set();
  });
  Served served(std::move(router));
  auto client = served.connect();
  client.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(handled.wait());
  kept->message(409, "not now");
  EXPECT_EQ(client.receive().body, "{\"message\":\"not now\"}\n");
}

TEST(Streams, AnAnswerAfterTheServersEndIsDropped) {
  std::optional<Responder> kept;
  Event handled;
  {
    Router router;
    router.add("GET", "/kept", [&](Request, Responder responder) {
      kept.emplace(std::move(responder));
      handled.set();
    });
    Served served(std::move(router));
    auto client = served.connect();
    client.send("GET /kept HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(handled.wait());
  }
  EXPECT_TRUE(kept->stop().stop_requested());
  kept->begin(200, "text/plain");
  EXPECT_FALSE(kept->write("nobody"));
}

TEST(Streams, AnAnswerIsGivenOnce) {
  Router router;
  router.add("GET", "/twice", [](Request, Responder responder) {
    responder.send(200, "text/plain", "first");
    responder.message(500, "second");
    responder.begin(200, "text/plain");
    EXPECT_FALSE(responder.write("third"));
    responder.end();
  });
  Served served(std::move(router));
  auto client = served.connect();
  EXPECT_EQ(client.get("/twice").body, "first");
  EXPECT_EQ(client.get("/twice").body, "first");
}

}  // namespace
}  // namespace cleanerd::http
