// Clients that are slow, many, or gone: each costs little, and the others are served.
#include <gmock/gmock.h>

#include <atomic>

#include "unit/http/served.hpp"

namespace cleanerd::http {
namespace {

using namespace cleanerd::test;

Server::Options impatient() {
  Server::Options options;
  options.limits.header_time = options.limits.body_time = options.limits.write_time = milliseconds(100);
  return options;
}

TEST(BadClients, AHeaderThatDripsIsAnsweredWith408) {
  Served served(echo_router(), impatient());
  auto client = served.connect();
  std::atomic<bool> answered = false;
  std::thread drip([&] {
    client.send("GET /echo HTTP/1.1\r\nHost: x\r\n");
    while (!answered && client.send("X")) std::this_thread::sleep_for(milliseconds(5));
  });
  EXPECT_EQ(client.receive().status, 408);
  answered = true;
  drip.join();
  EXPECT_TRUE(client.is_closed());
}

TEST(BadClients, ABodyThatDoesNotComeIsAnsweredWith408) {
  Served served(echo_router(), impatient());
  auto client = served.connect();
  client.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nnot a hundred");
  EXPECT_EQ(client.receive().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST(BadClients, WhoDoesNotReadIsCutOff) {
  Served served(echo_router(), impatient());
  auto client = served.connect();
  client.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  pollfd readable{client.descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(&readable, 1, 20'000), 1);
  EXPECT_TRUE(eventually([&] { return served->connections() == 0; }));
  EXPECT_FALSE(client.receive().complete);
}

TEST(BadClients, AStreamForWhoDoesNotReadEnds) {
  Event over;
  Router router;
  router.add("GET", "/endless", [&](Request, Responder responder) {
    responder.begin(200, "text/plain");
    while (responder.write(std::string(1000, 'x'))) continue;
    over.set();
  });
  Served served(std::move(router), impatient());
  auto client = served.connect();
  client.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(over.wait());
}

TEST(BadClients, WhoAsksNothingIsSentAway) {
  Server::Options options;
  options.limits.idle_time = milliseconds(50);
  Served served(echo_router(), options);
  EXPECT_TRUE(served.connect().is_closed());
  auto client = served.connect();
  EXPECT_EQ(client.get("/echo").status, 200);
  EXPECT_TRUE(client.is_closed());
}

TEST(BadClients, TwoHundredAtOnceDoNotDisturbAGoodOne) {
  Served served;
  std::vector<HttpClient> crowd;
  for (int i = 0; i < 200; ++i) {
    crowd.push_back(served.connect());
    if (i % 4 == 1) crowd.back().send("GET /ec");
    if (i % 4 == 2) crowd.back().send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this");
    if (i % 4 == 3) crowd.back().send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  auto good = served.connect();
  for (int i = 0; i < 200; ++i) ASSERT_EQ(good.get("/echo").status, 200);
  EXPECT_GE(served->connections(), 200u);
}

TEST(BadClients, BeyondTheLimitTheLongestIdleGivesWay) {
  Server::Options options;
  options.limits.connections = 4;
  Served served(echo_router(), options);
  std::vector<HttpClient> idle;
  for (int i = 0; i < 4; ++i) {
    idle.push_back(served.connect());
    ASSERT_EQ(idle.back().get("/echo").status, 200);
  }
  auto fifth = served.connect();
  EXPECT_EQ(fifth.get("/echo").status, 200);
  EXPECT_TRUE(idle[0].is_closed());
  EXPECT_EQ(idle[3].get("/echo").status, 200);
}

void expect_the_second_to_be_turned_away(const Limits& limits) {
  Event release, busy;
  Router router;
  router.add("GET", "/wait", [&](Request, Responder responder) {
    busy.set();
    release.wait();
    responder.send(200, "text/plain", "");
  });
  Served served(std::move(router), {.limits = limits});
  auto first = served.connect();
  first.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(busy.wait());
  Answer answer = served.connect().receive();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.fields["Retry-After"], "1");
  release.set();
  EXPECT_EQ(first.receive().status, 200);
}

TEST(BadClients, WhoIsOneTooManyOfBusyOnesIsToldSo) {
  expect_the_second_to_be_turned_away({.connections = 1});
  expect_the_second_to_be_turned_away({.connections_per_user = 1});
}

TEST(BadClients, WhereAllSlowWorkersWaitQuickRequestsAreServed) {
  Event release, all_at_work;
  std::atomic<int> at_work = 0;
  Router router;
  router.add("GET", "/slow", [&](Request, Responder responder) {
    if (++at_work == 2) all_at_work.set();
    release.wait();
    responder.send(200, "text/plain", "");
  });
  router.add("GET", "/quick", [](Request, Responder responder) { responder.send(200, "text/plain", ""); }, Work::quick);
  Server::Options options;
  options.workers.slow = 2;
  options.limits.waiting_requests = 3;
  Served served(std::move(router), options);
  std::vector<HttpClient> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(served.connect());
    clients.back().send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    if (i == 1) all_at_work.wait();
  }
  EXPECT_EQ(served.connect().get("/quick").status, 200);
  pollfd readable[6];
  for (int i = 0; i < 6; ++i) readable[i] = {clients[static_cast<std::size_t>(i)].descriptor(), POLLIN, 0};
  ASSERT_EQ(::poll(readable, 6, 20'000), 1);  // two at work, three wait, one is turned away
  release.set();
  int served_well = 0, turned_away = 0;
  for (HttpClient& client : clients) {
    const int status = client.receive().status;
    served_well += status == 200;
    turned_away += status == 503;
  }
  EXPECT_EQ(served_well, 5);
  EXPECT_EQ(turned_away, 1);
}

TEST(BadClients, ThousandsLeaveNothingBehind) {
  Server::Options options = impatient();
  Served served(echo_router(), options);
  ASSERT_EQ(served.connect().get("/echo").status, 200);
  ASSERT_TRUE(eventually([&] { return served->connections() == 0; }));
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 3000; ++i) {
    auto client = served.connect();
    switch (i % 6) {
      case 0: break;
      case 1: client.send("GET /echo HT"); break;
      case 2: client.send("nonsense\r\n\r\n"); break;
      case 3: client.send("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"); break;
      case 4: client.send(i % 10 == 0 ? "GET /big HTTP/1.1\r\nHost: x\r\n\r\n" : "HEAD /big HTTP/1.1\r\n"); break;
      case 5: client.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\nGET /echo"); break;
    }
  }
  EXPECT_TRUE(eventually([&] { return served->connections() == 0; }));
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(served.connect().get("/echo").status, 200);
}

}  // namespace
}  // namespace cleanerd::http
