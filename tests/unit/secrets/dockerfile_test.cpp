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

}  // namespace
}  // namespace cleanerd::secrets
