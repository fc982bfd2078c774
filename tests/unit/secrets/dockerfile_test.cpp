#include "secrets/dockerfile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cleanerd::secrets {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::set<std::string, std::less<>> handed_on(std::string_view dockerfile) { return handed_on_as_secrets(dockerfile, NameRules()); }

TEST(HandedOnAsSecrets, IsAnArgumentGivenToAVariableWithASecretsName) {
  for (const char* line : {"ENV API_KEY=$T", "ENV API_KEY=${T}", "ENV API_KEY=${T:-none}", "ENV API_KEY=\"$T\"", "env API_KEY $T", "ARG API_KEY=$T",
                           "ENV A=1 API_KEY=$T B=2", "ENV A=1 \\\n    API_KEY=$T", "ENV A=1 \\\r\n\tAPI_KEY=$T\r\n"})
    EXPECT_THAT(handed_on("FROM a\nARG T\n" + std::string(line) + "\nRUN true\n"), ElementsAre("T")) << line;
}

TEST(HandedOnAsSecrets, IsNoArgumentGivenToOthersAndNoText) {
  for (const char* line : {"ENV VERSION=$T", "ENV API_KEY=T", "ENV API_KEY=", "ENV API_KEY=$", "ENV SORT_KEY=$T", "RUN API_KEY=$T make", "# ENV API_KEY=$T", "LABEL api_key=$T", "ENV", "ENV API_KEY"})
    EXPECT_THAT(handed_on(line), IsEmpty()) << line;
}

TEST(HandedOn, IsOfTheBuildInWhoseCourseTheDockerfileWasUsed) {
  using namespace std::chrono_literals;
  const Instant noon = std::chrono::sys_days(std::chrono::year(2026) / 3 / 14) + 12h;
  const HandedOn handed_on{{"T"}, noon};
  const auto is_of = [&](std::optional<Instant> created, std::optional<Instant> completed) {
    engine::BuildRecord build;
    build.created = created;
    build.completed = completed;
    return handed_on.is_of(build);
  };
  EXPECT_TRUE(is_of(noon - 1min, noon + 1min));
  EXPECT_TRUE(is_of(noon - 1min, noon - 1s)) << "let go of after the build";
  EXPECT_TRUE(is_of(noon - 1min, std::nullopt)) << "it runs";
  EXPECT_FALSE(is_of(noon - 1h, noon - 1min)) << "another's, before";
  EXPECT_FALSE(is_of(noon + 1s, noon + 1min)) << "another's, later";
  EXPECT_FALSE(is_of(std::nullopt, std::nullopt));
}

}  // namespace
}  // namespace cleanerd::secrets
