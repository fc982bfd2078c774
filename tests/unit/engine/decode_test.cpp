#include "engine/decode.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace cleanerd::engine {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

json operator""_json_text(const char* text, std::size_t length) { return json::parse(std::string(text, length)); }

TEST(DecodeImageSummary, GivesWhatIsAbsentOrNullItsDefault) {
  for (const json& source : {R"({"Id":"sha256:a"})"_json_text,
                             R"({"Id":"sha256:a","ParentId":null,"RepoTags":null,"Created":null,"Size":null,"Labels":null})"_json_text}) {
    const auto image = decode_image_summary(source);
    ASSERT_TRUE(image) << source;
    EXPECT_EQ(image->id, ImageId("sha256:a"));
    EXPECT_TRUE(image->parent.empty());
    EXPECT_TRUE(image->tags.empty());
    EXPECT_FALSE(image->created);
    EXPECT_EQ(image->size, ByteSize{});
  }
}

TEST(DecodeImageSummary, DropsThePlaceholderTag) {
  const auto image = decode_image_summary(R"({"Id":"a","RepoTags":["<none>:<none>","app:1"],"Created":1795463288})"_json_text);
  ASSERT_TRUE(image);
  EXPECT_THAT(image->tags, ElementsAre("app:1"));
  EXPECT_EQ(format_rfc3339(*image->created), "2026-11-23T19:48:08.000Z");
}

TEST(DecodeTaggedAt, TellsWhenATagWasLastGivenOrNothing) {
  const auto tagged = decode_tagged_at(R"({"Metadata":{"LastTagTime":"2026-11-23T21:48:08.5+02:00"}})"_json_text);
  ASSERT_TRUE(tagged);
  EXPECT_EQ(format_rfc3339(*tagged), "2026-11-23T19:48:08.500Z");
  const auto never = decode_tagged_at(R"({"Metadata":{"LastTagTime":"0001-01-01T00:00:00Z"}})"_json_text);
  EXPECT_TRUE(!never || *never < *tagged);
  for (const json& none : {R"({})"_json_text, R"({"Metadata":null})"_json_text, R"({"Metadata":{"LastTagTime":"soon"}})"_json_text, R"([])"_json_text})
    EXPECT_FALSE(decode_tagged_at(none)) << none;
}

TEST(Decode, ReportsTheFirstMemberOfAWrongType) {
  struct Row {
    const char* name;
    Result<ImageSummary> result;
    const char* message;
  };
  const Row rows[] = {
      {"no object", decode_image_summary(json(5)), "image is not a JSON object"},
      {"null", decode_image_summary(json(nullptr)), "image is not a JSON object"},
      {"no id", decode_image_summary(json::object()), "'Id' is not there"},
      {"empty id", decode_image_summary(R"({"Id":""})"_json_text), "'Id' is not there"},
      {"id a number", decode_image_summary(R"({"Id":7})"_json_text), "'Id' is not a string"},
      {"tags an object", decode_image_summary(R"({"Id":"a","RepoTags":{}})"_json_text), "'RepoTags' is not a list of strings"},
      {"a tag a number", decode_image_summary(R"({"Id":"a","RepoTags":["x",1]})"_json_text), "'RepoTags' is not a list of strings"},
      {"size a text", decode_image_summary(R"({"Id":"a","Size":"1"})"_json_text), "'Size' is not a whole number"},
      {"size a fraction", decode_image_summary(R"({"Id":"a","Size":1.5})"_json_text), "'Size' is not a whole number"},
      {"created an object", decode_image_summary(R"({"Id":"a","Created":{}})"_json_text), "'Created' is not a time"},
      {"labels a list", decode_image_summary(R"({"Id":"a","Labels":["x"]})"_json_text), "'Labels' is not an object of strings"},
      {"a label a number", decode_image_summary(R"({"Id":"a","Labels":{"x":1}})"_json_text), "'Labels' is not an object of strings"},
  };
  for (const Row& row : rows) {
    ASSERT_FALSE(row.result) << row.name;
    EXPECT_EQ(row.result.error().code(), Errc::protocol) << row.name;
    EXPECT_THAT(row.result.error().message(), HasSubstr(row.message)) << row.name;
  }
}

TEST(Decode, NeverQuotesAValueInItsError) {
  EXPECT_THAT(decode_container(R"({"Id":"c","State":{"Status":"x"},"Config":{"Env":{"T":"hunter2"}}})"_json_text).error().message(),
              Not(HasSubstr("hunter2")));
  EXPECT_THAT(decode_cache_record(R"({"ID":"r","InUse":"hunter2"})"_json_text).error().message(), Not(HasSubstr("hunter2")));
}

TEST(DecodeCacheRecord, ReadsTheParentsOfEveryEngineVersion) {
  struct Row {
    const char* name;
    json source;
    std::vector<CacheId> expected;
  };
  const Row rows[] = {
      {"leading space, engine 23 and later", R"({"ID":"r"," Parents":["a","b"]})"_json_text, {CacheId("a"), CacheId("b")}},
      {"should it ever be mended", R"({"ID":"r","Parents":["a"]})"_json_text, {CacheId("a")}},
      {"20.10", R"({"ID":"r","Parent":"a"})"_json_text, {CacheId("a")}},
      {"20.10 without one", R"({"ID":"r","Parent":""})"_json_text, {}},
      {"none", R"({"ID":"r"})"_json_text, {}},
      {"null", R"({"ID":"r"," Parents":null,"Parent":null})"_json_text, {}},
  };
  for (const Row& row : rows) {
    const auto record = decode_cache_record(row.source);
    ASSERT_TRUE(record) << row.name;
    EXPECT_EQ(record->parents, row.expected) << row.name;
  }
  EXPECT_FALSE(decode_cache_record(R"({"ID":"r"," Parents":[1]})"_json_text));
  EXPECT_FALSE(decode_cache_record(R"({"ID":"r"," Parents":{"a":1}})"_json_text));
  EXPECT_FALSE(decode_cache_record(R"({"Type":"regular"})"_json_text));
}

TEST(DecodeCacheRecord, TreatsTheYearOneAsNeverUsed) {
  const auto record = decode_cache_record(R"({"ID":"r","CreatedAt":"0001-01-01T00:00:00Z","LastUsedAt":null})"_json_text);
  ASSERT_TRUE(record);
  EXPECT_FALSE(record->created);
  EXPECT_FALSE(record->last_used);
}

TEST(DecodeContainer, WantsAnIdAndAState) {
  EXPECT_TRUE(decode_container(R"({"Id":"c","State":{"Status":"created"}})"_json_text));
  EXPECT_FALSE(decode_container(R"({"Id":"c"})"_json_text));
  EXPECT_FALSE(decode_container(R"({"Id":"c","State":"running"})"_json_text));
  EXPECT_FALSE(decode_container(R"({"State":{"Status":"created"}})"_json_text));
  EXPECT_FALSE(decode_container(R"({"Id":"c","State":{"Status":"x"},"HostConfig":{"LogConfig":[]}})"_json_text));
}

TEST(DecodeContainer, NamesItsVolumes) {
  const auto container = decode_container(
      R"({"Id":"c","State":{"Status":"exited"},"Mounts":[{"Type":"volume","Name":"data"},{"Type":"bind","Source":"/x"},{"Type":"volume","Name":"more"}]})"_json_text);
  ASSERT_TRUE(container);
  EXPECT_THAT(container->volumes, ElementsAre(VolumeName("data"), VolumeName("more")));
  EXPECT_TRUE(decode_container(R"({"Id":"c","State":{"Status":"exited"},"Mounts":null})"_json_text));
  EXPECT_FALSE(decode_container(R"({"Id":"c","State":{"Status":"exited"},"Mounts":{}})"_json_text));
  EXPECT_FALSE(decode_container(R"({"Id":"c","State":{"Status":"exited"},"Mounts":["data"]})"_json_text));
}

TEST(DecodeVolume, NeedsAName) {
  const auto volume = decode_volume(R"({"Name":"v","CreatedAt":"2026-01-02T03:04:05Z","Labels":null})"_json_text);
  ASSERT_TRUE(volume);
  EXPECT_EQ(volume->created, parse_rfc3339("2026-01-02T03:04:05Z"));
  EXPECT_FALSE(decode_volume(R"({"Labels":{}})"_json_text));
}

TEST(IsBuilderName, FollowsBuildx) {
  EXPECT_TRUE(is_builder_name(std::string("buildx_buildkit_ci0")));
  EXPECT_FALSE(is_builder_name(std::string("my_buildx_buildkit_ci0")));
  EXPECT_TRUE(is_builder_name(VolumeName("buildx_buildkit_ci0_state")));
  EXPECT_FALSE(is_builder_name(VolumeName("buildx_buildkit_ci0")));
}

TEST(DecodeExec, TellsHowTheProgramEnded) {
  EXPECT_EQ(decode_exec_id(R"({"Id":"e"})"_json_text).value(), "e");
  EXPECT_FALSE(decode_exec_id(R"({})"_json_text));
  EXPECT_EQ(decode_exec_exit(R"({"Running":false,"ExitCode":7})"_json_text).value(), 7);
  EXPECT_EQ(decode_exec_exit(R"({"Running":true,"ExitCode":null})"_json_text).error().code(), Errc::conflict);
}

std::string frame(char stream, const std::string& bytes) {
  return std::string{stream, 0, 0, 0, 0, 0, 0, static_cast<char>(bytes.size())} + bytes;
}

TEST(DecodeOutput, TakesStandardOutputAlone) {
  EXPECT_EQ(decode_output("").value(), "");
  EXPECT_EQ(decode_output(frame(1, "a\n") + frame(2, "error") + frame(1, "") + frame(1, "b")).value(), "a\nb");
}

TEST(DecodeOutput, RefusesWhatIsNoSuchStream) {
  for (const std::string& text : {std::string("plain"), frame(1, "abc").substr(0, 10), frame(3, "a"), frame(1, "a") + "x", std::string("\1\1\0\0\0\0\0\0", 8)})
    EXPECT_FALSE(decode_output(text)) << text;
}

TEST(DecodeContainer, ReadsACommandGivenAsOneString) {
  const auto container = decode_container(R"({"Id":"c","State":{"Status":"exited"},"Config":{"Cmd":"make"}})"_json_text);
  ASSERT_TRUE(container);
  EXPECT_THAT(container->command, ElementsAre("make"));
}

TEST(DecodeImageConfig, ReadsTheConfigFileOfTheImageSpec) {
  const auto config = decode_image_config(R"({
    "config": {"Env": ["A=1"], "OnBuild": ["ENV B=2", "RUN make"], "Labels": {"l": "v"}},
    "container_config": {"Cmd": ["|1", "A=1", "/bin/sh", "-c", "make"]},
    "history": [{"created_by": "first"}, {"created_by": "second", "empty_layer": true}, {}]})");
  ASSERT_TRUE(config);
  EXPECT_THAT(config->env, ElementsAre("A=1"));
  EXPECT_THAT(config->on_build, ElementsAre("ENV B=2", "RUN make"));
  EXPECT_EQ(config->labels.at("l"), "v");
  EXPECT_THAT(config->step_command, ElementsAre("|1", "A=1", "/bin/sh", "-c", "make"));
  EXPECT_THAT(config->created_by, ElementsAre("first", "second", ""));
}

TEST(DecodeImageConfig, ReadsTheAnswerOfInspect) {
  const auto config = decode_image_config(R"({
    "Id": "sha256:0", "RootFS": {"Type": "layers", "Layers": ["sha256:1"]}, "Size": 7,
    "Config": {"Env": "A=1", "Labels": null, "Entrypoint": ["a", {"Env": ["none"]}]}, "ContainerConfig": {"Cmd": null}})");
  ASSERT_TRUE(config);
  EXPECT_THAT(config->env, ElementsAre("A=1"));
  EXPECT_THAT(config->labels, testing::IsEmpty());
  EXPECT_THAT(config->step_command, testing::IsEmpty());
}

TEST(DecodeImageConfig, ReadsLayersAndSkipsWhatItDoesNotKnow) {
  const auto config = decode_image_config(R"({"x": {"config": {"Env": ["none"]}}, "rootfs": {"diff_ids": ["sha256:1", "sha256:2"]}, "y": [[{}], null, 1.5]})");
  ASSERT_TRUE(config);
  EXPECT_THAT(config->env, testing::IsEmpty());
  EXPECT_THAT(config->diff_ids, ElementsAre("sha256:1", "sha256:2"));
}

TEST(DecodeImageConfig, RefusesWhatHasAnotherType) {
  for (const char* text : {R"([])", R"("text")", "null", "", "{", R"({} {})", R"({"config":[]})", R"({"config":5})", R"({"config":{"Env":{}}})", R"({"config":{"OnBuild":{}}})", R"({"config":{"OnBuild":[1]}})",
                           R"({"config":{"Env":[5]}})", R"({"config":{"Env":[null]}})", R"({"config":{"Labels":["a"]}})",
                           R"({"config":{"Labels":{"a":1}}})", R"({"container_config":{"Cmd":7}})", R"({"history":{}})", R"({"history":[5]})",
                           R"({"history":[null]})", R"({"history":[{"created_by":[]}]})", R"({"rootfs":[]})", R"({"rootfs":{"diff_ids":[true]}})"}) {
    const auto config = decode_image_config(text);
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().code(), Errc::protocol) << text;
  }
}

TEST(DecodeHistory, TurnsTheApisOrderRound) {
  const auto history = decode_history(R"([{"CreatedBy":"second"},{"CreatedBy":null},{"CreatedBy":"first"}])"_json_text);
  ASSERT_TRUE(history);
  EXPECT_THAT(*history, ElementsAre("first", "", "second"));
  EXPECT_FALSE(decode_history(json::object()));
  EXPECT_FALSE(decode_history(R"([{"CreatedBy":1}])"_json_text));
  EXPECT_FALSE(decode_history(R"(["x"])"_json_text));
}

TEST(DecodeVersion, NeedsAVersionItCanRead) {
  const auto old = decode_version(R"({"Version":"1.12.6","ApiVersion":"1.24"})"_json_text);
  ASSERT_TRUE(old);
  EXPECT_EQ(old->api_min, (ApiVersion{1, 12}));
  for (const char* text : {R"({})", R"({"Version":"x"})", R"({"Version":"x","ApiVersion":"one"})", R"({"Version":"x","ApiVersion":"1"})",
                           R"({"Version":"x","ApiVersion":"1.41","MinAPIVersion":"1.x"})", R"({"Version":5,"ApiVersion":"1.41"})"})
    EXPECT_FALSE(decode_version(json::parse(text))) << text;
}

TEST(DecodeInfo, CountsImagesWhereTheEngineTellsAWholeNumber) {
  EXPECT_EQ(decode_image_count(json::parse(R"({"Images":1001})")).value(), 1001u);
  for (const char* text : {R"({})", R"({"Images":null})", R"({"Images":-1})", R"({"Images":"7"})", R"({"Images":7.5})", R"([])"})
    EXPECT_FALSE(decode_image_count(json::parse(text))) << text;
}

TEST(ParseApiVersion, ReadsMajorDotMinorOnly) {
  EXPECT_EQ(parse_api_version("1.51"), (ApiVersion{1, 51}));
  EXPECT_LT((ApiVersion{1, 9}), (ApiVersion{1, 24}));
  EXPECT_EQ(to_string(ApiVersion{1, 24}), "1.24");
  for (const char* text : {"", "1", "1.", ".1", "1.2.3", "v1.2", "1.2 ", "-1.2", "1.-2", "1.99999999999"})
    EXPECT_FALSE(parse_api_version(text)) << text;
}

TEST(DecodePrune, TakesNullForNothing) {
  EXPECT_TRUE(decode_prune(R"({"CachesDeleted":null,"SpaceReclaimed":0})"_json_text)->deleted.empty());
  const auto report = decode_prune(R"({"CachesDeleted":["a","b"],"SpaceReclaimed":12})"_json_text);
  ASSERT_TRUE(report);
  EXPECT_THAT(report->deleted, ElementsAre(CacheId("a"), CacheId("b")));
  EXPECT_EQ(report->reclaimed, ByteSize{12});
  EXPECT_FALSE(decode_prune(R"({"CachesDeleted":5})"_json_text));
}

}  // namespace
}  // namespace cleanerd::engine
