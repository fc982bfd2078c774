#include "search/scan_cache.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include "unit/search/support.hpp"

namespace cleanerd::search {
namespace {

namespace fs = std::filesystem;

class ScanCacheTest : public testing::Test {
 protected:
  ScanCache open(const std::string& engine = "e1") const { return ScanCache(state(), engine); }
  std::string state() const { return directory_.path().string() + "/state"; }
  std::string file() const { return state() + "/scan.db"; }

  // A place's entry with one of everything.
  static CacheEntry entry(const std::string& secret = new_secret()) {
    CacheEntry entry{std::string("identity\0\n", 10), "rules", std::make_shared<KnownSet>(KnownSet{"f1", "f2"}), {}};
    Hit hit;
    hit.rule = "token";
    hit.description = "A token";
    hit.file = "d/\xff\xfe\n!x";
    hit.begin = 1ull << 40;
    hit.end = hit.begin + 26;
    hit.encoding = match::Encoding::utf16;
    hit.checked = true;
    hit.tier = match::Tier::path;
    hit.anywhere = true;
    hit.fingerprint = kFingerprint(SecretValue(secret));
    hit.masked = mask(SecretValue(secret));
    hit.value = SecretValue(secret);
    entry.answer.hits.push_back(std::move(hit));
    entry.answer.unread.push_back({"\x80", "a reason"});
    entry.answer.bytes = 12345;
    entry.answer.left_out = 3;
    return entry;
  }
  static void put_and_save(ScanCache cache, const std::string& place, CacheEntry entry) {
    cache.put(place, std::move(entry));
    cache.save();
  }
  void expect_made_anew() const {
    EXPECT_EQ(open().find("/p"), nullptr);
    put_and_save(open(), "/p", entry());
    EXPECT_NE(open().find("/p"), nullptr);
  }

 private:
  test::TempDir directory_;
};

TEST_F(ScanCacheTest, SurvivesReopening) {
  CacheEntry kept = entry();
  put_and_save(open(), "/p\xff", kept);
  ScanCache again = open();
  const CacheEntry* found = again.find("/p\xff");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->identity, kept.identity);
  EXPECT_EQ(found->rules, kept.rules);
  EXPECT_EQ(*found->known, *kept.known);
  EXPECT_EQ(text_of(found->answer), text_of(kept.answer));
  ASSERT_EQ(found->answer.hits.size(), 1u);
  const Hit &a = found->answer.hits[0], &b = kept.answer.hits[0];
  EXPECT_EQ(std::tie(a.description, a.checked, a.tier, a.anywhere), std::tie(b.description, b.checked, b.tier, b.anywhere));
  EXPECT_FALSE(a.value);
  EXPECT_EQ(again.find("/other"), nullptr);
}

TEST_F(ScanCacheTest, KeepsWhatNothingWasFoundIn) {
  CacheEntry nothing{"i", "r", std::make_shared<KnownSet>(), {}};
  nothing.answer.bytes = 77;
  put_and_save(open(), "/p", nothing);
  ScanCache again = open();
  ASSERT_NE(again.find("/p"), nullptr);
  EXPECT_EQ(text_of(again.find("/p")->answer), text_of(nothing.answer));
  EXPECT_TRUE(again.find("/p")->known->empty());
}

TEST_F(ScanCacheTest, ForgetsWhatWasNotSaved) {
  {
    ScanCache cache = open();
    cache.put("/p", entry());
    EXPECT_NE(cache.find("/p"), nullptr);
  }
  EXPECT_EQ(open().find("/p"), nullptr);
}

TEST_F(ScanCacheTest, ReplacesAnEntry) {
  put_and_save(open(), "/p", entry());
  CacheEntry other = entry();
  other.identity = "new";
  other.known = std::make_shared<KnownSet>(KnownSet{"f3"});
  put_and_save(open(), "/p", other);
  ScanCache again = open();
  ASSERT_NE(again.find("/p"), nullptr);
  EXPECT_EQ(again.find("/p")->identity, "new");
  EXPECT_EQ(*again.find("/p")->known, KnownSet{"f3"});
}

TEST_F(ScanCacheTest, KeepsEnginesApart) {
  put_and_save(open("e1"), "/p", entry());
  EXPECT_EQ(open("e2").find("/p"), nullptr);
  CacheEntry other = entry();
  other.identity = "other";
  put_and_save(open("e2"), "/p", other);
  {
    ScanCache cache = open("e2");
    cache.keep_only({});
    cache.save();
  }
  EXPECT_EQ(open("e2").find("/p"), nullptr);
  ScanCache first = open("e1");
  ASSERT_NE(first.find("/p"), nullptr);
  EXPECT_EQ(first.find("/p")->identity, entry().identity);
}

TEST_F(ScanCacheTest, ForgetsPlacesThatAreNoMore) {
  ScanCache cache = open();
  for (const char* place : {"/a", "/b", "/c"}) cache.put(place, entry());
  cache.save();
  cache.put("/d", entry());
  cache.keep_only({"/b", "/never"});
  EXPECT_EQ(cache.find("/a"), nullptr);
  EXPECT_NE(cache.find("/b"), nullptr);
  cache.save();
  ScanCache again = open();
  EXPECT_NE(again.find("/b"), nullptr);
  for (const char* place : {"/a", "/c", "/d", "/never"}) EXPECT_EQ(again.find(place), nullptr) << place;
}

TEST_F(ScanCacheTest, IsItsOwnersAlone) {
  put_and_save(open(), "/p", entry());
  struct stat status {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  ASSERT_EQ(::stat(state().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0700u);
}

TEST_F(ScanCacheTest, IsGoodAfterAPauseUnlessAnotherHasWrittenOrTheFileIsAnother) {
  ScanCache cache = open();
  EXPECT_FALSE(cache.reopen(state(), "e2"));
  EXPECT_FALSE(cache.reopen(state() + "2", "e1"));
  for (int i = 0; i < 2; ++i) {
    cache.put("/p" + std::to_string(i), entry());
    cache.save();
    cache.close();
    (void)open().find("/p0");
    EXPECT_NE(cache.find("/p0"), nullptr);
    ASSERT_TRUE(cache.reopen(state(), "e1"));
  }
  ScanCache other = open("e2");
  other.put("/q", entry());
  other.save();
  EXPECT_FALSE(cache.reopen(state(), "e1"));

  ScanCache again = open();
  again.close();
  EXPECT_TRUE(again.reopen(state(), "e1"));
  again.close();
  for (const char* part : {"", "-wal", "-shm"}) fs::remove(file() + part);
  put_and_save(open(), "/r", entry());
  EXPECT_FALSE(again.reopen(state(), "e1"));
}

TEST_F(ScanCacheTest, HoldsNoFileOpenInAPause) {
  ScanCache cache = open();
  cache.put("/p", entry());
  cache.save();
  cache.close();
  for (const auto& descriptor : fs::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    EXPECT_FALSE(fs::read_symlink(descriptor, error).string().starts_with(fs::canonical(state()).string()));
  }
}

TEST_F(ScanCacheTest, IsNotGoodOnceItCouldNotBeSaved) {
  ScanCache cache = open();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "DROP TABLE hit", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  cache.put("/p", entry());
  cache.save();
  EXPECT_FALSE(cache.reopen(state(), "e1"));
  EXPECT_NE(cache.find("/p"), nullptr);
}

TEST_F(ScanCacheTest, TellsOfNoPlaceWhoseHitsItCannotRead) {
  for (const char* table : {"hit", "unread", "known_set"}) {
    put_and_save(open(), "/p", entry());
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, (std::string("DROP TABLE ") + table).c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
    expect_made_anew();
  }
}

TEST_F(ScanCacheTest, HoldsNoValue) {
  const std::string secret = new_secret();
  ScanCache cache = open();
  cache.put("/p", entry(secret));
  cache.save();
  std::size_t files = 0;
  for (const auto& one : fs::recursive_directory_iterator(state())) {
    ++files;
    EXPECT_EQ(test::read_file(one.path()).find(secret), std::string::npos) << one.path();
  }
  EXPECT_GE(files, 1u);
}

TEST_F(ScanCacheTest, MakesAFileThatIsNoDatabaseAnew) {
  test::write_file(file(), filler(5000));
  expect_made_anew();
}

TEST_F(ScanCacheTest, MakesAForeignDatabaseAnew) {
  fs::create_directories(state());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "CREATE TABLE place (x); PRAGMA user_version=7", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  expect_made_anew();
}

TEST_F(ScanCacheTest, LeavesADatabaseThatItCannotReadNow) {
  put_and_save(open(), "/p", entry());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_EQ(open().find("/p"), nullptr);
  sqlite3_close(db);
  EXPECT_NE(open().find("/p"), nullptr);
}

TEST_F(ScanCacheTest, MakesADamagedDatabaseAnew) {
  {
    ScanCache cache = open();
    for (int i = 0; i < 300; ++i) cache.put("/place/" + std::to_string(i), entry());
    cache.put("/p", entry());
    cache.save();
  }
  std::fstream bytes(file(), std::ios::in | std::ios::out | std::ios::binary);
  const auto size = fs::file_size(file());
  ASSERT_GT(size, 5u * 4096);
  for (std::size_t page = 1; page < size / 4096; ++page) bytes.seekp(static_cast<std::streamoff>(page * 4096)).write("damaged damaged damaged", 23);
  bytes.close();
  expect_made_anew();
}

TEST_F(ScanCacheTest, PassesOverAnEntryThatItCannotRead) {
  put_and_save(open(), "/p", entry());
  put_and_save(open(), "/q", entry());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(file().c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "UPDATE place SET known = 99 WHERE path = CAST('/p' AS BLOB)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  ScanCache again = open();
  EXPECT_EQ(again.find("/p"), nullptr);
  EXPECT_NE(again.find("/q"), nullptr);
}

TEST_F(ScanCacheTest, WritesThroughNoLink) {
  fs::create_directories(state());
  const std::string victim = state() + "/../victim";
  test::write_file(victim, "precious");
  fs::create_symlink(victim, file());
  put_and_save(open(), "/p", entry());
  EXPECT_EQ(test::read_file(victim), "precious");
  EXPECT_NE(open().find("/p"), nullptr);
}

TEST_F(ScanCacheTest, WorksInMemoryWhereItCannotWrite) {
  ScanCache cache("/proc/nowhere", "e1");
  cache.put("/p", entry());
  cache.save();
  ASSERT_NE(cache.find("/p"), nullptr);
  EXPECT_FALSE(cache.find("/p")->answer.hits[0].value);
  cache.close();
  EXPECT_TRUE(cache.reopen("/proc/nowhere", "e1"));
  EXPECT_NE(cache.find("/p"), nullptr);
  cache.keep_only({});
  EXPECT_EQ(cache.find("/p"), nullptr);
  test::write_file(state(), "a file where the directory should be");
  EXPECT_EQ(open().find("/p"), nullptr);
}

}  // namespace
}  // namespace cleanerd::search
