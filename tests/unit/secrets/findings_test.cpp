#include "secrets/findings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/builders.hpp"

namespace cleanerd::secrets {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class FindSecrets : public ::testing::Test {
 protected:
  // "rule source value", one for each finding of the object.
  static std::vector<std::string> found(const inventory::Inventory& inventory, const Findings& findings, std::string_view name) {
    std::vector<std::string> out;
    for (const Finding& finding : findings.of[index_of(inventory, name)])
      out.push_back(finding.rule + " " + std::string(to_string(finding.source)) + " " +
                    (finding.value ? std::string(finding.value->reveal()) : "-"));
    return out;
  }
  static std::vector<std::string> found(const an_inventory& scenario, std::string_view name, std::vector<KnownValue> declared = {}) {
    const inventory::Inventory inventory = scenario.snapped();
    return found(inventory, find_secrets(inventory, NameRules(), declared), name);
  }

  const std::string secret = new_secret();
};

TEST_F(FindSecrets, InEveryPlaceOfAnImageByName) {
  struct Row {
    const char* name;
    image object;
    std::string expected;
  };
  const Row rows[] = {
      {"classic build argument", image("i").step("|1 NPM_TOKEN=" + secret + " /bin/sh -c npm ci"), "secret-name build-arg "},
      {"BuildKit build argument", image("i").step("RUN |1 NPM_TOKEN=" + secret + " /bin/sh -c npm ci # buildkit"), "secret-name build-arg "},
      {"the step's own command", image("i").step_command({"|1", "NPM_TOKEN=" + secret, "/bin/sh", "-c", "npm ci"}), "secret-name build-arg "},
      {"ARG with a default", image("i").step("ARG NPM_TOKEN=" + secret), "secret-name build-arg "},
      {"ENV in the history", image("i").step("/bin/sh -c #(nop)  ENV DB_PASSWORD=" + secret), "secret-name env "},
      {"Env", image("i").env("DB_PASSWORD=" + secret), "secret-name env "},
      {"ENV of a later build", image("i").on_build("ENV API_TOKEN=" + secret), "secret-name env "},
      {"command of a later build", image("i").on_build("RUN API_TOKEN=" + secret + " make"), "secret-name history "},
      {"label", image("i").label("com.example.api-key", secret), "secret-name label "},
      {"LABEL in the history", image("i").step("LABEL api.token=" + secret), "secret-name label "},
      {"assignment in a command", image("i").step("/bin/sh -c export API_TOKEN=" + secret + " && make"), "secret-name history "},
      {"option in a command", image("i").step("RUN /bin/sh -c login --password=" + secret + " # buildkit"), "secret-name history "},
      {"password in a URL of a command", image("i").step("/bin/sh -c git clone https://me:" + secret + "@host/x"), "url-password history "},
      {"password in the second URL", image("i").step("/bin/sh -c curl https://a/ && curl https://me:" + secret + "@b/"), "url-password history "},
      {"password in a URL of a variable", image("i").env("DATABASE_URL=postgres://me:" + secret + "@db/x"), "url-password env "},
  };
  for (const Row& row : rows)
    EXPECT_THAT(found(an_inventory().with(row.object), "i"), ElementsAre(row.expected + secret)) << row.name;
}

TEST_F(FindSecrets, InAStepContainerOfAClassicBuild) {
  EXPECT_THAT(found(an_inventory().with(image("b")).with(container("c").build_step_on("b").env("NPM_TOKEN=" + secret)), "c"),
              ElementsAre("secret-name env " + secret));
  EXPECT_THAT(found(an_inventory().with(image("b")).with(container("c").build_step_on("b").runs({"/bin/sh", "-c", "A_TOKEN=" + secret + " x"})), "c"),
              ElementsAre("secret-name history " + secret));
}

TEST_F(FindSecrets, InTheStepTextOfCacheRecords) {
  EXPECT_THAT(found(an_inventory().with(record("r").ran("echo \"$NPM_TOKEN\" > .npmrc")), "r"), ElementsAre("secret-step description -"));
  EXPECT_THAT(found(an_inventory().with(record("r").ran("API_TOKEN=" + secret + " make")), "r"), ElementsAre("secret-name description " + secret));
  EXPECT_THAT(found(an_inventory().with(record("r").describes("http url https://me:" + secret + "@host/x.tar")), "r"),
              ElementsAre("url-password description " + secret));
  EXPECT_THAT(found(an_inventory().with(record("r").type("exec.cachemount").describes("cached mount /c from exec /bin/sh -c x $API_KEY with id \"//c\"")), "r"),
              ElementsAre("secret-step description -"));
}

TEST_F(FindSecrets, InTheStepTextOfCacheRecordsWhereABuildOnRecordWasGivenAValueOrNoneIsOnRecord) {
  using std::chrono::minutes;
  const auto step = [](Duration ago) { return record("r").ran("test -n \"$NPM_TOKEN\"").aged(ago); };
  const auto with = [&](const build& one) { return found(an_inventory().with(step(minutes(5))).with(one), "r"); };
  const auto during = [] { return build("b").ran(minutes(6), minutes(4)); };
  EXPECT_THAT(with(during().argument("NPM_TOKEN", "n0t-searched-for")), ElementsAre("secret-step description -"));
  EXPECT_THAT(with(during().argument("OTHER_TOKEN", "n0t-searched-for")), ElementsAre("secret-step description -")) << "ENV NPM_TOKEN=$OTHER_TOKEN";
  EXPECT_THAT(with(during().argument("VERSION", "1.2")), IsEmpty());
  EXPECT_THAT(with(during()), IsEmpty()) << "a secret's mount, or a file";
  EXPECT_THAT(with(during().argument("NPM_TOKEN", "")), IsEmpty());
  EXPECT_THAT(with(during().argument("NPM_TOKEN", "none")), IsEmpty());
  EXPECT_THAT(with(build("b").ran(minutes(3), minutes(2))), ElementsAre("secret-step description -")) << "its build is on record no more";
  EXPECT_THAT(found(an_inventory().with(step(minutes(5))).with(during()).with(build("c").ran(minutes(6), minutes(3)).argument("NPM_TOKEN", secret)), "r"),
              ElementsAre("secret-step description -"))
      << "one of two that overlapped";
}

TEST_F(FindSecrets, InBuildKitsRecordsOfBuilds) {
  EXPECT_THAT(found(an_inventory().with(build("h").argument("NPM_TOKEN", secret)), "h"), ElementsAre("secret-name build-arg " + secret));
  EXPECT_THAT(found(an_inventory().with(build("h").attribute("label:api.token", secret)), "h"), ElementsAre("secret-name label " + secret));
  EXPECT_THAT(found(an_inventory().with(build("h").attribute("context", "https://me:" + secret + "@host/x.git")), "h"),
              ElementsAre("url-password history " + secret));
  EXPECT_THAT(found(an_inventory().with(build("source").argument("NPM_TOKEN", secret)).with(build("h").failed("bad " + secret)), "h"),
              ElementsAre("known-value history " + secret));
  EXPECT_THAT(found(an_inventory().with(build("h").argument("VERSION", "1.2").attribute("target", "app")), "h"), IsEmpty());
}

TEST_F(FindSecrets, NotInFalseFriends) {
  struct Row {
    const char* name;
    an_inventory scenario;
  };
  const Row rows[] = {
      {"the exceptions", an_inventory().with(image("x").env("AWS_ACCESS_KEY_ID=AKIA0123456789").env("TOKENIZER_PATH=/models/t").env("GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305"))},
      {"switches and references", an_inventory().with(image("x").env("USE_TOKEN=true").env("A_TOKEN=$B").env("DB_PASSWORD_FILE=/run/secrets/db").env("API_KEY="))},
      {"a declaration without a value", an_inventory().with(image("x").step("/bin/sh -c #(nop)  ARG NPM_TOKEN"))},
      {"an option with a plain word", an_inventory().with(image("x").step("/bin/sh -c ./configure --token=disabled --auth-key=optional"))},
      {"a value from a mounted secret", an_inventory().with(image("x").step("RUN /bin/sh -c NPM_TOKEN=$(cat /run/secrets/npm) npm ci # buildkit"))},
      {"a URL with a user alone", an_inventory().with(image("x").step("/bin/sh -c git clone ssh://git@host:22/x && curl http://host:8080/@x"))},
      {"a URL with a reference", an_inventory().with(image("x").step("/bin/sh -c git clone https://me:${GIT_TOKEN}@host/x"))},
      {"a step with its own variable", an_inventory().with(record("x").ran("TOKEN=$(date); echo $TOKEN"))},
      {"a step with an innocent variable", an_inventory().with(record("x").ran("echo $VERSION $PATH"))},
      {"a literal dollar", an_inventory().with(record("x").ran("echo \\$NPM_TOKEN"))},
      {"no command", an_inventory().with(record("x").describes("[stage-0 2/3] COPY $NPM_TOKEN /x"))},
  };
  for (const Row& row : rows) EXPECT_THAT(found(row.scenario, "x"), IsEmpty()) << row.name;
}

TEST_F(FindSecrets, TraceAValueFromOneObjectToAllOthers) {
  const an_inventory scenario = an_inventory()
                                    .with(image("source").step("|1 NPM_TOKEN=" + secret + " /bin/sh -c npm ci"))
                                    .with(image("other").env("NOTE=see " + secret + "!"))
                                    .with(image("labelled").label("note", secret))
                                    .with(image("commanded").step_command({"x", "-H", "Bearer " + secret}))
                                    .with(record("written").ran("echo " + secret + " > .npmrc"))
                                    .with(container("mine").of("other").runs({"/bin/serve", "--note", secret}))
                                    .with(image("innocent").env("NOTE=nothing"));
  EXPECT_THAT(found(scenario, "other"), ElementsAre("known-value env " + secret));
  EXPECT_THAT(found(scenario, "labelled"), ElementsAre("known-value label " + secret));
  EXPECT_THAT(found(scenario, "commanded"), ElementsAre("known-value history " + secret));
  EXPECT_THAT(found(scenario, "written"), ElementsAre("known-value description " + secret));
  EXPECT_THAT(found(scenario, "mine"), ElementsAre("known-value history " + secret));
  EXPECT_THAT(found(scenario, "innocent"), IsEmpty());
  const auto inventory = scenario.snapped();
  const Findings findings = find_secrets(inventory, NameRules(), {});
  EXPECT_THAT(findings.of[index_of(inventory, "written")][0].origin, HasSubstr("build argument NPM_TOKEN of image source"));
}

TEST_F(FindSecrets, FindADeclaredValueEverywhere) {
  const std::vector<KnownValue> declared{{SecretValue(secret), "declared (environment variable X)", true}};
  const an_inventory scenario = an_inventory()
                                    .with(image("i").env("HARMLESS=" + secret))
                                    .with(record("r").describes("http url https://host/?q=" + secret))
                                    .with(container("c").of("i").env("Y=" + secret));
  EXPECT_THAT(found(scenario, "i", declared), ElementsAre("known-value env " + secret));
  EXPECT_THAT(found(scenario, "r", declared), ElementsAre("known-value description " + secret));
  EXPECT_THAT(found(scenario, "c", declared), ElementsAre("known-value env " + secret));
  EXPECT_THAT(found(scenario, "i"), IsEmpty());
}

TEST_F(FindSecrets, NotInContainersThatNoBuildMadeByNameAlone) {
  EXPECT_THAT(found(an_inventory().with(image("b")).with(container("mine").of("b").env("DB_PASSWORD=" + secret)), "mine"), IsEmpty());
}

TEST_F(FindSecrets, NeverInRunningContainers) {
  const std::vector<KnownValue> declared{{SecretValue(secret), "declared", true}};
  EXPECT_THAT(found(an_inventory().with(image("b")).with(container("web").of("b").is("running").env("A=" + secret)), "web", declared), IsEmpty());
}

TEST_F(FindSecrets, DoNotSearchForShortOrCommonValues) {
  const an_inventory scenario = an_inventory()
                                    .with(image("a").env("A_TOKEN=abc").env("DB_PASSWORD=postgres").env("C_PASSWORD=aaaaaaaaaa"))
                                    .with(image("b").env("X=abc postgres aaaaaaaaaa"));
  EXPECT_THAT(found(scenario, "a"), ElementsAre("secret-name env abc", "secret-name env postgres", "secret-name env aaaaaaaaaa"));
  EXPECT_THAT(found(scenario, "b"), IsEmpty());
}

TEST_F(FindSecrets, ReportOneValueOnceAPlace) {
  const std::string step = "|1 NPM_TOKEN=" + secret + " /bin/sh -c npm ci";
  const an_inventory scenario = an_inventory().with(image("i").step(step).step(step).env("NPM_TOKEN=" + secret).label("token", secret));
  EXPECT_THAT(found(scenario, "i"), ElementsAre("secret-name env " + secret, "secret-name label " + secret,
                                                "secret-name build-arg " + secret, "secret-name build-arg " + secret));
}

TEST_F(FindSecrets, NameTheStepAndNeverTheValueInTheLocation) {
  const an_inventory scenario = an_inventory()
                                    .with(image("source").step("x").step("|1 NPM_TOKEN=" + secret + " /bin/sh -c npm ci"))
                                    .with(image("odd").label(secret, secret).env(secret + "_TOKEN=" + secret));
  const auto inventory = scenario.snapped();
  const Findings findings = find_secrets(inventory, NameRules(), {});
  EXPECT_EQ(findings.of[index_of(inventory, "source")][0].location, "history step 2 of 2");
  for (const Finding& finding : findings.of[index_of(inventory, "odd")]) {
    if (finding.rule == "known-value") {
      EXPECT_THAT(finding.location, Not(HasSubstr(secret)));
    }
  }
}

TEST_F(FindSecrets, FollowTheNameRulesGiven) {
  const auto inventory = an_inventory().with(image("i").env("X_LICENSE=" + secret).env("X_TOKEN=" + new_secret())).snapped();
  EXPECT_THAT(found(inventory, find_secrets(inventory, NameRules({"*_LICENSE"}, {}), {}), "i"), ElementsAre("secret-name env " + secret));
}

TEST(Source, HasTheContractsNames) {
  EXPECT_EQ(to_string(Source::build_arg), "build-arg");
  for (const Source source : {Source::history, Source::env, Source::label, Source::description, Source::known})
    EXPECT_THAT((std::vector<std::string_view>{"history", "env", "label", "description", "known"}), ::testing::Contains(to_string(source)));
}

}  // namespace
}  // namespace cleanerd::secrets
