#include "secrets/step_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace cleanerd::secrets {

void PrintTo(const Assignment& one, std::ostream* out) { *out << one.name << "=" << one.value; }

namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Assignments = std::vector<Assignment>;
using Names = std::vector<std::string>;

TEST(BuildArguments, AreReadFromBothBuildersHistory) {
  struct Row {
    const char* name;
    const char* text;
    Assignments expected;
  };
  const Row rows[] = {
      {"classic", "|1 TOKEN=abc /bin/sh -c npm ci", {{"TOKEN", "abc"}}},
      {"BuildKit", "RUN |1 TOKEN=abc /bin/sh -c npm ci # buildkit", {{"TOKEN", "abc"}}},
      {"two", "|2 A=x B=y /bin/sh -c make", {{"A", "x"}, {"B", "y"}}},
      {"empty value", "|2 A= B=y /bin/sh -c make", {{"A", ""}, {"B", "y"}}},
      {"spaces in the value", "|1 A=one two  three /bin/sh -c make", {{"A", "one two  three"}}},
      {"quotes are the value's own", "|1 A=\"x y\" /bin/sh -c make", {{"A", "\"x y\""}}},
      {"= in the value", "|1 A=b=c== /bin/sh -c make", {{"A", "b=c=="}}},
      {"a path in the value", "|1 A=see /etc/passwd first /bin/sh -c make", {{"A", "see /etc/passwd first"}}},
      {"another shell", "|1 A=x /bin/bash -o pipefail -c make", {{"A", "x"}}},
      {"a shell in the command", "|1 A=x /bin/bash -c make && /bin/sh -c test", {{"A", "x"}}},
      {"assignments in the command", "|1 A=x /bin/sh -c B=y make C=z", {{"A", "x"}}},
      {"exec form with a path", "|1 A=x /app/setup --now", {{"A", "x"}, {"A", "x /app/setup --now"}}},
      {"no argument", "|0 /bin/sh -c make", {}},
      {"no arguments at all", "/bin/sh -c make A=x", {}},
      {"BuildKit without arguments", "RUN /bin/sh -c make A=x # buildkit", {}},
      {"another instruction", "COPY file:abc in /app/", {}},
      {"no number", "|x A=b /bin/sh -c make", {}},
      {"a number beyond all", "|99999999999999999999999 A=b /bin/sh -c make", {}},
      {"cut", "|1", {}},
      {"cut behind the number", "|1 ", {}},
      {"empty", "", {}},
  };
  for (const Row& row : rows) EXPECT_EQ(build_arguments(row.text), row.expected) << row.name;
}

TEST(BuildArguments, GiveEveryWayToCutAValueThatHoldsAssignments) {
  const Assignments found = build_arguments("|1 A=x B=y z C=w /bin/sh -c make");
  EXPECT_THAT(found, Contains(Assignment{"A", "x"}));
  EXPECT_THAT(found, Contains(Assignment{"A", "x B=y z"}));
  EXPECT_THAT(found, Contains(Assignment{"A", "x B=y z C=w"}));
}

TEST(BuildArguments, OfTheExecFormGiveTheFirstWordToo) {
  const Assignments found = build_arguments("|2 A=x TOKEN=abc npm ci");
  EXPECT_THAT(found, Contains(Assignment{"A", "x"}));
  EXPECT_THAT(found, Contains(Assignment{"TOKEN", "abc"}));
  EXPECT_THAT(build_arguments("|1 TOKEN=abc bash -c cat /x"), Contains(Assignment{"TOKEN", "abc"}));
}

TEST(BuildArguments, EndSoonOnAHostileText) {
  std::string text = "|1 A=x";
  for (int i = 0; i < 20000; ++i) text += " B=" + std::to_string(i);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(build_arguments(text + " /bin/sh -c make").empty());
  EXPECT_FALSE(declaration("ENV " + text.substr(3)).assignments.empty());
  literal_assignments(text);
  variables_used(text);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST(BuildArguments, OfACommandAsAListAreUnambiguous) {
  EXPECT_EQ(build_arguments(std::vector<std::string>{"|2", "A=x B=y", "C= /bin/sh -c", "/bin/sh", "-c", "D=z make"}),
            (Assignments{{"A", "x B=y"}, {"C", " /bin/sh -c"}}));
  EXPECT_THAT(build_arguments(std::vector<std::string>{}), IsEmpty());
  EXPECT_THAT(build_arguments(std::vector<std::string>{"/bin/sh", "-c", "A=x"}), IsEmpty());
  EXPECT_THAT(build_arguments(std::vector<std::string>{"|9", "A=x"}), ElementsAre(Assignment{"A", "x"}));
  EXPECT_THAT(build_arguments(std::vector<std::string>{"|x", "A=x"}), IsEmpty());
  EXPECT_THAT(build_arguments(std::vector<std::string>{"|1", "no assignment"}), IsEmpty());
}

TEST(CommandOf, LeavesTheArgumentsOut) {
  EXPECT_EQ(command_of("|1 TOKEN=abc /bin/sh -c npm ci"), "/bin/sh -c npm ci");
  EXPECT_EQ(command_of("RUN |1 TOKEN=abc /bin/sh -c npm ci # buildkit"), "/bin/sh -c npm ci # buildkit");
  EXPECT_EQ(command_of("RUN /bin/sh -c make # buildkit"), "/bin/sh -c make # buildkit");
  EXPECT_EQ(command_of("/bin/sh -c make"), "/bin/sh -c make");
  EXPECT_EQ(command_of("|1 TOKEN=abc"), "");
  EXPECT_EQ(command_of(""), "");
}

TEST(Declaration, IsReadInEveryForm) {
  struct Row {
    const char* name;
    const char* text;
    const char* instruction;
    Assignments expected;
  };
  const Row rows[] = {
      {"ENV", "ENV A=x", "ENV", {{"A", "x"}}},
      {"classic ENV", "/bin/sh -c #(nop)  ENV A=x", "ENV", {{"A", "x"}}},
      {"two", "ENV A=x B=y", "ENV", {{"A", "x"}, {"B", "y"}}},
      {"spaces in a value", "ENV A=x y z B=w", "ENV", {{"A", "x y z"}, {"B", "w"}}},
      {"spaces at the end", "ENV A=one two three", "ENV", {{"A", "one two three"}}},
      {"quoted", "ENV A=\"x y\" B='z w'", "ENV", {{"A", "x y"}, {"B", "z w"}}},
      {"quotes that do not close", "ENV A=\"x y", "ENV", {{"A", "\"x y"}}},
      {"empty value", "ENV A= B=y", "ENV", {{"A", ""}, {"B", "y"}}},
      {"= in a value", "ENV A=b=c", "ENV", {{"A", "b=c"}}},
      {"the old form", "ENV A the rest = all", "ENV", {{"A", "the rest = all"}}},
      {"ARG with a default", "ARG TOKEN=x", "ARG", {{"TOKEN", "x"}}},
      {"ARG without", "ARG TOKEN", "ARG", {}},
      {"classic ARG", "/bin/sh -c #(nop)  ARG TOKEN=x", "ARG", {{"TOKEN", "x"}}},
      {"LABEL", "LABEL com.example.token=x", "LABEL", {{"com.example.token", "x"}}},
      {"classic LABEL", "/bin/sh -c #(nop)  LABEL a=b c=d e", "LABEL", {{"a", "b"}, {"c", "d e"}}},
      {"a step", "RUN /bin/sh -c A=x make", "", {}},
      {"another instruction", "/bin/sh -c #(nop) COPY file:ab in / ", "", {}},
      {"not at the front", "RUN ENV A=x", "", {}},
      {"a word like it", "ENVIRONMENT A=x", "", {}},
      {"nothing behind it", "ENV ", "ENV", {}},
      {"empty", "", "", {}},
  };
  for (const Row& row : rows) {
    const Declaration found = declaration(row.text);
    EXPECT_EQ(found.instruction, row.instruction) << row.name;
    EXPECT_EQ(found.assignments, row.expected) << row.name;
  }
}

TEST(LiteralAssignments, TakeTheShellsQuotesOff) {
  struct Row {
    const char* name;
    const char* command;
    Assignments expected;
  };
  const Row rows[] = {
      {"plain", "TOKEN=abc npm ci", {{"TOKEN", "abc"}}},
      {"exported", "export TOKEN=abc; npm ci", {{"TOKEN", "abc"}}},
      {"double quotes", "TOKEN=\"a b\" npm ci", {{"TOKEN", "a b"}}},
      {"single quotes hold a dollar", "TOKEN='a$b' npm ci", {{"TOKEN", "a$b"}}},
      {"quotes in the middle", "TOKEN=a\"b c\"'d e'f npm ci", {{"TOKEN", "ab cd ef"}}},
      {"escaped", "TOKEN=a\\ b\\$c npm ci", {{"TOKEN", "a b$c"}}},
      {"an option", "mysql --password=abc", {{"password", "abc"}}},
      {"in a URL", "curl https://x/?token=abc", {{"token", "abc"}}},
      {"ends at an operator", "TOKEN=abc&&npm ci", {{"TOKEN", "abc"}}},
      {"in brackets", "(TOKEN=abc)", {{"TOKEN", "abc"}}},
      {"expanded", "TOKEN=$X npm ci", {}},
      {"expanded in double quotes", "TOKEN=\"a$X\" npm ci", {}},
      {"from a command", "TOKEN=`cat x` npm ci", {}},
      {"from a command in brackets", "TOKEN=$(cat x) npm ci", {}},
      {"empty", "TOKEN= npm ci", {}},
      {"empty in quotes", "TOKEN='' npm ci", {}},
      {"a parameter's default", "echo ${TOKEN:=abc}", {}},
      {"a comparison", "test $TOKEN = abc", {}},
      {"no name", "=abc 1A=abc", {}},
      {"cut in quotes", "TOKEN='abc", {{"TOKEN", "abc"}}},
      {"cut behind a backslash", "TOKEN=abc\\", {{"TOKEN", "abc\\"}}},
  };
  for (const Row& row : rows) EXPECT_EQ(literal_assignments(row.command), row.expected) << row.name;
}

TEST(VariablesUsed, AreThoseTheCommandDidNotSetItself) {
  struct Row {
    const char* name;
    const char* command;
    Names expected;
  };
  const Row rows[] = {
      {"plain", "echo $A", {"A"}},
      {"in braces", "echo ${A}x", {"A"}},
      {"with a default", "echo ${A:-d}", {"A"}},
      {"its length", "echo ${#A}", {"A"}},
      {"indirect", "echo ${!A}", {"A"}},
      {"in double quotes", "echo \"x$A\"", {"A"}},
      {"each once, in order", "echo $B $A $B", {"B", "A"}},
      {"in a default", "echo ${A:-$B}", {"A", "B"}},
      {"in a substitution", "x=$(cat $A)", {"A"}},
      {"in an assignment to itself", "A=$A make", {"A"}},
      {"in an assignment to itself, in quotes", "A=\"x $A\"; echo $A", {"A"}},
      {"behind its own assignment", "A=1; echo $A", {}},
      {"behind the shell's own option", "/bin/sh -c A=1 && echo $A", {}},
      {"behind the shell's options", "/bin/bash -o pipefail -ec for A in 1; do echo $A; done", {}},
      {"behind one from a command", "A=$(date -u; (date)) && echo $A", {}},
      {"behind one from a command in backquotes", "A=`date -u`; echo $A", {}},
      {"in a command that it is assigned from", "A=$(echo $A); echo $A", {"A"}},
      {"behind its own assignment in a chain", "make && A=1 && echo $A", {}},
      {"behind an export", "export A=1; echo $A", {}},
      {"behind an export of two", "export A=1 B=2 && echo $A $B", {}},
      {"behind two assignments", "A=1 B=2; echo $A $B", {}},
      {"in a chain that is over", "test -f x && A=1; echo $A", {"A"}},
      {"set only on failure", "make || A=1; echo $A", {"A"}},
      {"set in a branch", "if test -f x; then A=1; fi; echo $A", {"A"}},
      {"set for another command alone", "A=1 make && echo $A", {"A"}},
      {"two set for another command alone", "A=1 B=2 make; echo $A $B", {"A", "B"}},
      {"an argument that looks like an assignment", "echo A=1; echo $A", {"A"}},
      {"an option that looks like an assignment", "x --A=1 && echo $A", {"A"}},
      {"a loop's variable", "for A in 1 2; do echo $A; done", {}},
      {"a list of a loop", "for A in $B; do echo $A; done", {"B"}},
      {"the word for", "echo for A; echo $A", {"A"}},
      {"read", "cat x | while read A; do echo $A; done", {}},
      {"read -r behind IFS", "while IFS= read -r A; do echo $A; done", {}},
      {"the word read", "echo please read A; echo $A", {"A"}},
      {"escaped", "echo \\$A", {}},
      {"an escaped backslash before it", "echo \\\\$A", {"A"}},
      {"in single quotes, which an inner shell may expand", "sh -c 'echo $A'", {"A"}},
      {"special parameters", "echo $? $$ $1 $@ $# $", {}},
      {"the process id, then a name", "echo $$A", {"A"}},
      {"no name", "echo ${} ${-} $-", {}},
      {"cut", "echo ${", {}},
      {"empty", "", {}},
  };
  for (const Row& row : rows) EXPECT_EQ(variables_used(row.command), row.expected) << row.name << ": " << row.command;
}

}  // namespace
}  // namespace cleanerd::secrets
