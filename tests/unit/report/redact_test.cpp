#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/document.hpp"
#include "support/builders.hpp"

namespace cleanerd::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Redact, MasksWhatIsOrCouldBeASecret) {
  struct Row {
    const char* name;
    const char* text;
    const char* expected;
  };
  const Row rows[] = {
      {"harmless", "npm ci --production && npm run build", "npm ci --production && npm run build"},
      {"assignment", "NPM_TOKEN=hunter2 npm ci", "NPM_TOKEN=**** npm ci"},
      {"assignment at the end", "npm ci NPM_TOKEN=hunter2", "npm ci NPM_TOKEN=****"},
      {"double quotes", "DB_PASSWORD=\"my secret words\" make", "DB_PASSWORD=\"****\" make"},
      {"single quotes", "DB_PASSWORD='my secret words' make", "DB_PASSWORD='****' make"},
      {"a dollar in single quotes", "DB_PASSWORD='$ecret' make", "DB_PASSWORD='****' make"},
      {"an escaped quote", "DB_PASSWORD=\"a\\\" hunter2\" make", "DB_PASSWORD=\"****\" make"},
      {"an escaped blank", "DB_PASSWORD=my\\ hunter2 make", "DB_PASSWORD=**** make"},
      {"quotes that do not close", "DB_PASSWORD=\"my secret words", "DB_PASSWORD=\"****"},
      {"option with =", "mysql --password=hunter2 db", "mysql --password=**** db"},
      {"option with a blank", "mysql --password hunter2 db", "mysql --password **** db"},
      {"option before another", "login --password --force", "login --password --force"},
      {"the word alone", "enter the password twice", "enter the password twice"},
      {"header", "curl -H 'X-Api-Token: hunter2'", "curl -H 'X-Api-Token: ****'"},
      {"query", "curl https://x/?token=hunter2&y=1", "curl https://x/?token=****&y=1"},
      {"reference", "NPM_TOKEN=$X npm ci", "NPM_TOKEN=$X npm ci"},
      {"reference in quotes", "NPM_TOKEN=\"${X}\" npm ci", "NPM_TOKEN=\"${X}\" npm ci"},
      {"no reference", "DB_PASSWORD=$x!yz make", "DB_PASSWORD=**** make"},
      {"switch", "USE_TOKEN=true make", "USE_TOKEN=true make"},
      {"exception", "AWS_ACCESS_KEY_ID=AKIA make", "AWS_ACCESS_KEY_ID=AKIA make"},
      {"URL", "git clone https://me:hunter2@host/x", "git clone https://me:****@host/x"},
      {"two URLs", "curl https://a:hunter2@b/ https://c:hunter3@d/", "curl https://a:****@b/ https://c:****@d/"},
      {"URL with a port", "curl http://host:8080/x", "curl http://host:8080/x"},
      {"random word", "echo ghp0123456789abcdefXYZ > f", "echo **** > f"},
      {"digest", "FROM x@sha256:0123456789abcdef0123456789abcdef", "FROM x@sha256:0123456789abcdef0123456789abcdef"},
      {"control characters", "a\x1b[31mb", "a\\x1b[31mb"},
  };
  for (const Row& row : rows) EXPECT_EQ(redact(row.text, secrets::Findings()), row.expected) << row.name;
}

TEST(Redact, MasksKnownValuesWhereverTheyStand) {
  secrets::Findings findings;
  findings.known.add({SecretValue("correct-horse"), "declared", true});
  EXPECT_EQ(redact("xcorrect-horsex and correct-horse", findings), "x****x and ****");
}

TEST(Redact, MasksALongCommandBeforeItIsCut) {
  secrets::Findings findings;
  findings.known.add({SecretValue("correct-horse"), "declared", true});
  const std::string text = std::string(195, ' ') + "correct-horse";
  EXPECT_THAT(redact(text, findings), Not(HasSubstr("corr")));
}

}  // namespace
}  // namespace cleanerd::report
