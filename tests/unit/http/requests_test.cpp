// Requests, good and bad, on a real socket.
#include <gmock/gmock.h>

#include "unit/http/served.hpp"

namespace cleanerd::http {
namespace {

using namespace cleanerd::test;
using testing::HasSubstr;

TEST(Requests, MethodPathAndQueryReachTheHandler) {
  Served served;
  auto client = served.connect();
  const Answer answer = client.get("/echo?kind=image.tagged&q=a%20b");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "GET /echo kind=image.tagged q=a b");
  EXPECT_EQ(answer.fields.at("Content-Type"), "text/plain");
  EXPECT_EQ(answer.fields.at("Cache-Control"), "no-store");
}

TEST(Requests, AConnectionServesOneAfterTheOther) {
  Served served;
  auto client = served.connect();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(client.post("/body", std::to_string(i)).body, std::to_string(i));
  EXPECT_EQ(served->connections(), 1u);
}

TEST(Requests, WhatIsSentAheadIsAnsweredInOrder) {
  Served served;
  auto client = served.connect();
  std::string all;
  for (int i = 0; i < 200; ++i) all += "GET /echo?n=" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  ASSERT_TRUE(client.send(all));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(client.receive().body, "GET /echo n=" + std::to_string(i));
}

TEST(Requests, HeadHasNoBody) {
  Served served;
  auto client = served.connect();
  client.send("HEAD /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  const Answer head = client.receive(false);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.fields.at("Content-Length"), "10");
  EXPECT_EQ(client.get("/echo").body, "GET /echo");
}

TEST(Requests, AnUnknownPathAndAWrongMethodAreSaidInJson) {
  Served served;
  auto client = served.connect();
  const Answer missing = client.get("/nothing");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.fields.at("Content-Type"), "application/json");
  EXPECT_EQ(missing.body, "{\"message\":\"there is nothing at this path\"}\n");
  const Answer wrong = client.post("/echo", "x");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.fields.at("Allow"), "GET, HEAD");
  EXPECT_EQ(client.get("/echo").status, 200);
}

TEST(Requests, AChunkedBodyIsPutTogether) {
  Served served;
  auto client = served.connect();
  client.send("POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;ext=1\r\n \r\n5\r\nworld\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().body, "hello world");
  EXPECT_EQ(client.get("/echo").status, 200);
}

TEST(Requests, WhoExpectsToBeToldToContinueIs) {
  Served served;
  auto client = served.connect();
  client.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.receive(false).status, 100);
  client.send("abc");
  EXPECT_EQ(client.receive().body, "abc");
  client.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: miracles\r\n\r\n");
  EXPECT_EQ(client.receive().status, 417);
}

TEST(Requests, OfHttp10GetTheirAnswerAndTheEnd) {
  Served served;
  auto client = served.connect();
  client.send("GET /echo HTTP/1.0\r\n\r\n");
  const Answer answer = client.receive();
  EXPECT_EQ(answer.body, "GET /echo");
  EXPECT_EQ(answer.fields.at("Connection"), "close");
  EXPECT_TRUE(client.is_closed());
}

TEST(Requests, MalformedOnesAreRefusedAndTheConnectionClosed) {
  Served served;
  for (const char* malformed : {
           "\r\n\r\n\r\n",
           "GET\r\n\r\n",
           "GET /echo\r\n\r\n",
           "GET  /echo HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET /echo HTTP/2.0\r\nHost: x\r\n\r\n",
           "GET /echo HTTP/1.1\r\n\r\n",
           "GET /echo HTTP/1.1\nHost: x\n\n",
           "GET echo HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET http://x/echo HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
           "GET /echo HTTP/1.1\r\nHost : x\r\n\r\n",
           "GET /echo HTTP/1.1\r\nHost: x\r\n folded: y\x01\r\n\r\n",
           "GET /echo HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
           "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
           "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
           "POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
           "POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS client's hello, more or less\r\n\r\n",
       }) {
    auto client = served.connect();
    ASSERT_TRUE(client.send(malformed));
    const Answer answer = client.receive();
    EXPECT_EQ(answer.status, 400) << malformed;
    EXPECT_THAT(answer.body, HasSubstr("{\"message\":"));
    EXPECT_TRUE(client.is_closed()) << malformed;
  }
  EXPECT_EQ(served.connect().get("/echo").status, 200);
}

TEST(Requests, AHeaderThatIsTooLargeIs431) {
  Served served;
  for (const std::string& large : {"GET /" + std::string(20'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n",
                                   "GET /echo HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n"}) {
    auto client = served.connect();
    client.send(large);
    EXPECT_EQ(client.receive().status, 431);
    EXPECT_TRUE(client.is_closed());
  }
}

TEST(Requests, ABodyThatIsTooLargeIs413) {
  Server::Options options;
  options.limits.body_bytes = 100'000;
  Served served(echo_router(), options);
  EXPECT_EQ(served.connect().post("/body", std::string(100'000, 'x')).body.size(), 100'000u);

  auto announced = served.connect();
  announced.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n" + std::string(100'001, 'x'));
  EXPECT_EQ(announced.receive().status, 413);
  EXPECT_TRUE(announced.is_closed());

  auto chunked = served.connect();
  chunked.send("POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3; ++i) chunked.send("c350\r\n" + std::string(50'000, 'x') + "\r\n");
  EXPECT_EQ(chunked.receive().status, 413);
}

TEST(Requests, ALargeAnswerArrivesWhole) {
  Served served;
  EXPECT_EQ(served.connect().get("/big").body.size(), 1u << 20);
}

TEST(Requests, WhatAHandlerThrowsIsNotTold) {
  std::mutex mutex;
  std::string logged;
  Server::Options options;
  options.log = [&](const std::string& line) {
    const std::lock_guard lock(mutex);
    logged += line;
  };
  Router router;
  router.add("POST", "/throw", [](Request request, Responder) { throw std::runtime_error(std::string(view_of(request.body))); });
  router.add("GET", "/silent", [](Request, Responder) {});
  Served served(std::move(router), options);
  auto client = served.connect();
  const Answer answer = client.post("/throw", "the body");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body, "{\"message\":\"the request was not answered\"}\n");
  EXPECT_EQ(client.get("/silent").status, 500);
  const std::lock_guard lock(mutex);
  EXPECT_THAT(logged, HasSubstr("runtime_error"));
  EXPECT_THAT(logged, testing::Not(HasSubstr("the body")));
}

TEST(Requests, OverTcpAreServedToo) {
  Server server({});
  ASSERT_TRUE(server.listen(TcpAddress{"127.0.0.1", 0}, echo_router()));
  server.start();
  ASSERT_NE(server.port(), 0);
  HttpClient client(server.port());
  EXPECT_EQ(client.get("/echo").body, "GET /echo");
  EXPECT_EQ(client.get("/big").body.size(), 1u << 20);
}

TEST(Requests, EachAddressHasItsOwnRoutes) {
  TempDir directory;
  Server server({});
  Router other;
  other.add("GET", "/other", [](Request, Responder responder) { responder.json(200, "{}"); });
  ASSERT_TRUE(server.listen(TcpAddress{"127.0.0.1", 0}, other));
  ASSERT_TRUE(server.listen(UnixAddress{directory.path() / "s"}, echo_router()));
  server.start();
  EXPECT_EQ(HttpClient(server.port()).get("/echo").status, 404);
  EXPECT_EQ(HttpClient(server.port()).get("/other").status, 200);
  EXPECT_EQ(HttpClient(directory.path() / "s").get("/other").status, 404);
}

}  // namespace
}  // namespace cleanerd::http
