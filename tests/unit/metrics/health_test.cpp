#include "metrics/health.hpp"

#include <gmock/gmock.h>

#include <atomic>

#include "unit/http/served.hpp"

namespace cleanerd::metrics {
namespace {

using namespace cleanerd::test;

TEST(Health, IsGoodWhenEachPartIs) {
  EXPECT_EQ(healthz({true, true}).status, 200u);
  EXPECT_EQ(healthz({true, true}).body, "{\"status\":\"ok\",\"checks\":{\"event_loop\":true,\"worker\":true}}\n");
  EXPECT_EQ(readyz({true, true, true}).status, 200u);
}

TEST(Health, NamesThePartThatFails) {
  EXPECT_EQ(healthz({true, false}).status, 503u);
  EXPECT_EQ(healthz({false, true}).status, 503u);
  EXPECT_EQ(readyz({true, false, true}).status, 503u);
  EXPECT_EQ(readyz({true, true, false}).status, 503u);
  EXPECT_EQ(readyz({false, true, true}).body,
            "{\"status\":\"failing\",\"checks\":{\"first_look_done\":false,\"engine_reachable\":true,\"journal_writable\":true}}\n");
}

TEST(Routes, ServeMetricsAndHealth) {
  Metrics metrics("1.2.3", {{"image.tagged"}, {}, {}});
  std::atomic<bool> engine = false;
  Router router;
  add_routes(router, metrics, [] { return Liveness{true, true}; }, [&] { return Readiness{true, engine, true}; });
  Server server({});
  ASSERT_TRUE(server.listen(http::TcpAddress{"127.0.0.1", 0}, std::move(router)));
  server.start();
  HttpClient client(server.port());
  const Answer scraped = client.get("/metrics");
  EXPECT_EQ(scraped.status, 200);
  EXPECT_EQ(scraped.fields.at("Content-Type"), kContentType);
  EXPECT_THAT(scraped.body, testing::HasSubstr("cleanerd_build_info{version=\"1.2.3\"} 1\n"));
  EXPECT_EQ(client.get("/healthz").status, 200);
  EXPECT_EQ(client.get("/readyz").status, 503);
  engine = true;
  EXPECT_EQ(client.get("/readyz").status, 200);
  EXPECT_EQ(client.post("/metrics", "").status, 405);
}

}  // namespace
}  // namespace cleanerd::metrics
