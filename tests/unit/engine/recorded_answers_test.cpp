// What five real engines answered (trimmed; the secret's value replaced) after the same builds: a multi-stage Dockerfile with
// a build argument TOKEN, by the classic builder and by BuildKit, and a failed step.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/decode.hpp"
#include "engine/json_stream.hpp"
#include "support/bodies.hpp"
#include "support/files.hpp"

namespace cleanerd::engine {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::StartsWith;

constexpr const char* kStep = "echo \"$TOKEN\" > /app/.npmrc && ls -l /app";

class RecordedAnswers : public ::testing::TestWithParam<const char*> {
 protected:
  RecordedAnswers()
      : answers_(json::parse(test::read_file(test::fs::path(TEST_SOURCE_DIR) / "unit/engine/fixtures" / (std::string(GetParam()) + ".json")))) {}
  bool is_20_10() const { return std::string(GetParam()).starts_with("20.10"); }

  const json answers_;
};

TEST_P(RecordedAnswers, TellTheEnginesVersionAndStore) {
  const auto version = decode_version(answers_["version"]);
  ASSERT_TRUE(version) << version.error().message();

  EXPECT_THAT(version->version, StartsWith(std::string(GetParam()).substr(0, 4)));
  EXPECT_GE(version->api_max, (ApiVersion{1, 41}));
  EXPECT_LE(version->api_min, (ApiVersion{1, 24}));
  EngineInfo info;
  ASSERT_TRUE(decode_info(answers_["info"], info));
  EXPECT_EQ(info.store, std::string(GetParam()).ends_with("containerd") ? ImageStore::containerd : ImageStore::graphdriver);
  EXPECT_EQ(info.storage_driver, info.store == ImageStore::containerd ? "overlayfs" : "overlay2");
  EXPECT_EQ(info.data_root, "/var/lib/docker");
  EXPECT_FALSE(info.id.empty());
}

TEST_P(RecordedAnswers, TellImagesWithParentsAndOnlyRealTags) {
  std::vector<ImageSummary> images;
  test::PartsBody body({answers_["images"].dump()});
  const Status read = for_each_element(body, "", [&](const json& element) -> Status {
    auto image = decode_image_summary(element);
    if (!image) return std::move(image).error();
    images.push_back(std::move(*image));
    return {};
  });
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(images.size(), 3u);
  EXPECT_THAT(images[0].tags, ElementsAre("app:classic"));
  for (const ImageSummary& image : images) {
    EXPECT_THAT(image.parent.str(), StartsWith("sha256:"));
    EXPECT_EQ(image.id.str().size(), 71u);
    EXPECT_TRUE(image.created);
    EXPECT_GT(image.size, ByteSize{1'000'000});
  }
  EXPECT_TRUE(images[1].tags.empty());
  EXPECT_TRUE(images[2].tags.empty());
}

TEST_P(RecordedAnswers, TellAFailedStepsContainerAndItsArgument) {
  const auto container = decode_container(answers_["container"]);
  ASSERT_TRUE(container) << container.error().message();
  EXPECT_EQ(container->log_driver, "none");
  EXPECT_TRUE(container->healthcheck_disabled);
  EXPECT_EQ(container->image_ref, container->image_id.str());
  EXPECT_EQ(container->state, "exited");
  EXPECT_EQ(container->exit_code, 3);
  EXPECT_NE(container->name.front(), '/');
  EXPECT_THAT(container->env, Contains("TOKEN=placeholder-value-0001"));
  EXPECT_THAT(container->command, ElementsAre("/bin/sh", "-c", "echo $TOKEN > /t && exit 3"));
  ASSERT_TRUE(container->created && container->finished);
  EXPECT_LT(*container->created, *container->finished);
}

TEST_P(RecordedAnswers, TellCacheRecordsWithTheirParents) {
  std::vector<CacheRecord> records;
  test::PartsBody body({answers_["build_cache"].dump()});
  const Status read = for_each_element(body, "BuildCache", [&](const json& element) -> Status {
    auto record = decode_cache_record(element);
    if (!record) return std::move(record).error();
    records.push_back(std::move(*record));
    return {};
  });
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(records.size(), 4u);
  EXPECT_EQ(records[0].type, "exec.cachemount");
  EXPECT_EQ(records[1].type, "source.local");
  EXPECT_THAT(records[2].description, EndsWith(kStep));
  ASSERT_EQ(records[2].parents.size(), 1u);
  EXPECT_EQ(records[2].parents[0].str().size(), 25u);
  EXPECT_TRUE(records[3].parents.empty());
  for (const CacheRecord& record : records) EXPECT_TRUE(record.created && record.last_used && !record.in_use);
}

TEST_P(RecordedAnswers, TellTheStepsOldestFirst) {
  const auto classic = decode_history(answers_["history_classic"]);
  ASSERT_TRUE(classic);
  ASSERT_EQ(classic->size(), 3u);
  EXPECT_EQ(classic->back(), "/bin/sh -c echo final > /final");
  const auto buildkit = decode_history(answers_["history_buildkit"]);
  ASSERT_TRUE(buildkit);
  EXPECT_EQ(buildkit->back(), "RUN /bin/sh -c echo final > /final # buildkit");
}

TEST_P(RecordedAnswers, TellAnIntermediateImagesConfig) {
  const auto config = decode_image_config(answers_["image_inspect"].dump());
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_FALSE(config->env.empty());
  if (is_20_10()) {
    EXPECT_THAT(config->step_command, ElementsAre("|1", "TOKEN=placeholder-value-0001", "/bin/sh", "-c", kStep));
  }
}

INSTANTIATE_TEST_SUITE_P(Engines, RecordedAnswers,
                         ::testing::Values("20.10-graph", "26.1-graph", "26.1-containerd", "28.5-graph", "28.5-containerd"),
                         [](const auto& engine) {
                           std::string name = engine.param;
                           for (char& c : name)
                             if (c == '.' || c == '-') c = '_';
                           return "Engine" + name;
                         });

}  // namespace
}  // namespace cleanerd::engine
