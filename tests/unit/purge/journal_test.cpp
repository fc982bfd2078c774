#include "purge/journal.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "purge/audit.hpp"
#include "purge/journal_database.hpp"
#include "support/files.hpp"

namespace cleanerd::purge {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

const std::string kEngine = "engine-1", kOther = "engine-2";

class JournalTest : public ::testing::Test {
 protected:
  Journal open() {
    auto journal = Journal::open(state_);
    EXPECT_TRUE(journal) << (journal ? "" : journal.error().message());
    return std::move(*journal);
  }
  static std::int64_t begin(Journal& journal, const std::string& engine, const std::vector<std::string>& ids) {
    std::vector<Planned> objects;
    for (const std::string& id : ids) objects.push_back({id, "secrets"});
    return journal.begin(engine, {"build", "service"}, objects).value();
  }
  static void settle(Journal& journal, std::int64_t run, const std::string& id, Settled how, const std::string& reason = "") {
    const std::vector<Settlement> one{{id, how, reason}};
    EXPECT_TRUE(journal.settle(run, one));
  }
  std::vector<AuditEntry> audit(const std::vector<std::string>& filter = {}) {
    return read_audit(state_, parse_audit_filter(filter, system_now()).value()).value();
  }
  std::string file() const { return state_ + "/journal.db"; }

  test::TempDir directory_;
  const std::string state_ = directory_.path() / "state";
};

TEST_F(JournalTest, WhatIsPlannedIsUnfinishedUntilItIsSettled) {
  Journal journal = open();
  const auto run = begin(journal, kEngine, {"a", "b", "c", "d"});
  settle(journal, run, "a", Settled::removed);
  settle(journal, run, "b", Settled::owed, "in-use");
  settle(journal, run, "c", Settled::closed, "tagged");
  EXPECT_THAT(journal.unfinished(kEngine).value(), ElementsAre("b", "d"));
  EXPECT_THAT(journal.unfinished(kOther).value(), IsEmpty());
}

TEST_F(JournalTest, IsOnTheDiskBeforeItsWriterIsKilled) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto journal = Journal::open(state_);
    if (journal) (void)begin(*journal, kEngine, {"a"});
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_THAT(open().unfinished(kEngine).value(), ElementsAre("a"));
}

TEST_F(JournalTest, SettlesWhatEarlierRunsOfTheSameEngineLeftOpen) {
  Journal journal = open();
  (void)begin(journal, kEngine, {"a"});
  (void)begin(journal, kOther, {"a"});
  const auto run = begin(journal, kEngine, {"b"});
  settle(journal, run, "a", Settled::removed);
  EXPECT_THAT(journal.unfinished(kEngine).value(), ElementsAre("b"));
  EXPECT_THAT(journal.unfinished(kOther).value(), ElementsAre("a"));
}

TEST_F(JournalTest, HasOneWriterAndAnyReaders) {
  {
    Journal journal = open();
    (void)begin(journal, kEngine, {"a"});
    const auto second = Journal::open(state_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code(), Errc::conflict);
    EXPECT_THAT(read_unfinished(state_, kEngine), ElementsAre("a"));
    EXPECT_TRUE(note(state_, {"reload", "service", "", "done", ""}));
    EXPECT_TRUE(check_journal(state_));
  }
  EXPECT_TRUE(Journal::open(state_));
}

TEST_F(JournalTest, IsForItsOwnerAlone) {
  (void)open();
  struct stat status {};
  ASSERT_EQ(::stat(state_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  for (const char* name : {"/journal.db", "/lock"}) {
    ASSERT_EQ(::stat((state_ + name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(JournalTest, LeavesWhatItCannotUseAsItIs) {
  fs::create_directory(state_);
  const std::string damaged(8192, 'x');
  test::write_file(file(), damaged);
  const auto journal = Journal::open(state_);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code(), Errc::io);
  EXPECT_FALSE(check_journal(state_));
  EXPECT_FALSE(note(state_, {}));
  EXPECT_THAT(read_unfinished(state_, kEngine), IsEmpty());
  EXPECT_EQ(test::read_file(file()), damaged);
}

TEST_F(JournalTest, FollowsNoLink) {
  fs::create_directory(state_);
  fs::create_symlink("../elsewhere", file());
  const auto journal = Journal::open(state_);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code(), Errc::io);
  EXPECT_FALSE(fs::exists(directory_.path() / "elsewhere"));
}

TEST_F(JournalTest, OfANewerCleanerdIsRefused) {
  ASSERT_TRUE(execute(open_journal(state_)->get(), "PRAGMA user_version=99", "test"));
  const auto journal = Journal::open(state_);
  ASSERT_FALSE(journal);
  EXPECT_THAT(journal.error().message(), HasSubstr("newer cleanerd"));
}

TEST_F(JournalTest, OfTheFirstVersionIsBroughtUpWithWhatIsOnIt) {
  {
    Journal journal = open();
    (void)begin(journal, kEngine, {"a"});
  }
  ASSERT_TRUE(execute(open_journal(state_)->get(),
                      "DROP TABLE event; DROP TABLE session; ALTER TABLE run DROP COLUMN cause; ALTER TABLE action DROP COLUMN policy;"
                      "ALTER TABLE action DROP COLUMN builds;"
                      "PRAGMA user_version=1",
                      "test"));
  EXPECT_THAT(open().unfinished(kEngine).value(), ElementsAre("a"));
  EXPECT_TRUE(note(state_, {"reload", "service", "", "done", ""}));
}

TEST_F(JournalTest, RemembersTheBuildsThatLeftAnObject) {
  Journal journal = open();
  const std::vector<Planned> objects{{"cache.regular:a", "secrets", "one two"}, {"image.dangling:b", "secrets"}};
  ASSERT_TRUE(journal.begin(kEngine, {"build", "service"}, objects));
  EXPECT_THAT(audit({"object=cache.regular:a"}), ElementsAre(Field(&AuditEntry::builds, "one two")));
  EXPECT_THAT(audit({"object=image.dangling:b"}), ElementsAre(Field(&AuditEntry::builds, "")));
}

TEST_F(JournalTest, ATrialLeavesNoTrace) {
  ASSERT_TRUE(check_journal(state_));
  EXPECT_THAT(audit(), IsEmpty());
  EXPECT_THAT(open().unfinished("").value(), IsEmpty());
}

TEST_F(JournalTest, SessionsAreOpenUntilTheyEnd) {
  const Instant now = system_now();
  for (const char* id : {"one", "two"})
    ASSERT_TRUE(begin_session(state_, {id, "job", "uid 0", now, now + 1h}, {"session-begin", "uid 0", id, "begun", "job"}));
  ASSERT_TRUE(end_session(state_, "one", {"session-end", "uid 0", "one", "done", "job"}));
  EXPECT_THAT(open_sessions(state_).value(), ElementsAre(Field(&Session::id, "two")));
  EXPECT_THAT(audit({"object=one"}), UnorderedElementsAre(Field(&AuditEntry::kind, "session-begin"), Field(&AuditEntry::kind, "session-end")));
}

TEST_F(JournalTest, ASessionThatCannotBeginIsNotToldToHaveBegun) {
  const Instant now = system_now();
  const Session session{"one", "job", "uid 0", now, now + 1h};
  const Event event{"session-begin", "uid 0", "one", "begun", "job"};
  ASSERT_TRUE(begin_session(state_, session, event));
  EXPECT_FALSE(begin_session(state_, session, event));
  EXPECT_THAT(audit({"kind=session-begin"}), SizeIs(1));
}

TEST_F(JournalTest, TellsWhatWasDoneByWhomAndWhy) {
  {
    Journal journal = open();
    const auto run = begin(journal, kEngine, {"image.dangling:sha256:1", "cache.regular:r"});
    settle(journal, run, "image.dangling:sha256:1", Settled::removed);
    settle(journal, run, "cache.regular:r", Settled::owed, "in-use");
  }
  ASSERT_TRUE(note(state_, {"verify", "uid 1000", "", "secrets", "1 object"}));
  EXPECT_THAT(audit({"kind=removal", "outcome=removed"}), ElementsAre(Field(&AuditEntry::subject, "image.dangling:sha256:1")));
  EXPECT_THAT(audit({"object=cache.regular"}), ElementsAre(Field(&AuditEntry::reason, "in-use")));
  EXPECT_THAT(audit({"actor=uid 1000"}), ElementsAre(Field(&AuditEntry::kind, "verify")));
  EXPECT_THAT(audit({"actor=service", "actor=uid 1000"}), SizeIs(3));
  EXPECT_THAT(audit({"limit=1"}), SizeIs(1));
  EXPECT_THAT(audit({"until=1h"}), IsEmpty());
  EXPECT_THAT(audit({"since=1h", "policy=secrets"}), SizeIs(2));
}

TEST_F(JournalTest, ForgetsWhatIsSettledAndNothingElse) {
  {
    Journal journal = open();
    const auto run = begin(journal, kEngine, {"gone", "owed", "planned"});
    settle(journal, run, "gone", Settled::removed);
    settle(journal, run, "owed", Settled::owed, "busy");
    ASSERT_TRUE(journal.end(run));
  }
  ASSERT_TRUE(note(state_, {"reload", "service", "", "done", ""}));
  ASSERT_TRUE(forget_before(state_, system_now() - 1h));
  EXPECT_THAT(audit(), SizeIs(4));
  ASSERT_TRUE(forget_before(state_, system_now() + 1h));
  EXPECT_THAT(open().unfinished(kEngine).value(), ElementsAre("owed", "planned"));
  EXPECT_THAT(audit(), SizeIs(2));
}

TEST(AuditFilter, RefusesWhatItDoesNotKnow) {
  for (const char* wrong : {"", "kind", "=x", "color=red", "since=", "since=yesterday", "limit=", "limit=-1", "kind=", "kind=builds", "limit=1e3", "limit=12345678"}) {
    const std::vector<std::string> arguments{wrong};
    const auto filter = parse_audit_filter(arguments, system_now());
    ASSERT_FALSE(filter) << wrong;
    EXPECT_EQ(filter.error().code(), Errc::usage);
  }
}

}  // namespace
}  // namespace cleanerd::purge
