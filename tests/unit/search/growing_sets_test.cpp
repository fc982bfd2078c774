#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <random>

#include "search/scan_cache.hpp"
#include "unit/search/support.hpp"

namespace cleanerd::search {
namespace {

// Entries of one set, which differ from what is on the disk by nothing but the values that they were searched for.
class GrowingSetsTest : public testing::Test {
 protected:
  ScanCache open(const std::string& engine = "e1") const { return ScanCache(state_, engine); }
  using Set = std::shared_ptr<const KnownSet>;
  static Set set(KnownSet of) { return std::make_shared<KnownSet>(std::move(of)); }
  static CacheEntry of(const Set& known, const std::string& identity = "i") { return {identity, "r", known, {}}; }
  static void grow(ScanCache& cache, const std::string& place, const Set& known) {
    CacheEntry grown = *cache.find(place);
    grown.known = known;
    cache.put(place, std::move(grown));
  }
  void fill(const std::string& engine, const Set& known) const {
    ScanCache cache = open(engine);
    for (const char* place : {"/a", "/b", "/c"}) cache.put(place, of(known));
    cache.save();
  }
  KnownSet known_of(const std::string& place, const std::string& engine = "e1") const {
    ScanCache cache = open(engine);
    const CacheEntry* entry = cache.find(place);
    return entry ? *entry->known : KnownSet{"nothing"};
  }
  std::size_t sets_on_disk() const {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open((state_ + "/scan.db").c_str(), &db), SQLITE_OK);
    sqlite3_stmt* count = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db, "SELECT count(*) FROM known_set", -1, &count, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(count), SQLITE_ROW);
    const auto sets = static_cast<std::size_t>(sqlite3_column_int64(count, 0));
    sqlite3_finalize(count);
    sqlite3_close(db);
    return sets;
  }

 private:
  test::TempDir directory_;
  std::string state_ = directory_.path().string() + "/state";
};

TEST_F(GrowingSetsTest, AllOfASet) {
  fill("e1", set({"x"}));
  fill("e2", set({"x"}));
  ScanCache cache = open();
  const Set more = set({"x", "y"}), most = set({"x", "y", "z"});
  for (const Set& known : {more, most}) {
    for (const char* place : {"/a", "/b", "/c"}) grow(cache, place, known);
    cache.save();
    for (const char* place : {"/a", "/b", "/c"}) EXPECT_EQ(known_of(place), *known);
  }
  EXPECT_EQ(known_of("/a", "e2"), KnownSet{"x"});
  EXPECT_EQ(sets_on_disk(), 2u);
}

TEST_F(GrowingSetsTest, SomeOfASetAndOneThatHasGoneAndOneThatIsNew) {
  fill("e1", set({"x"}));
  ScanCache cache = open();
  const Set more = set({"x", "y"});
  grow(cache, "/a", more);
  cache.put("/d", of(more));
  cache.keep_only({"/a", "/b", "/d"});
  cache.save();
  EXPECT_EQ(known_of("/a"), (KnownSet{"x", "y"}));
  EXPECT_EQ(known_of("/b"), KnownSet{"x"});
  EXPECT_EQ(known_of("/c"), KnownSet{"nothing"});
  EXPECT_EQ(known_of("/d"), (KnownSet{"x", "y"}));
  EXPECT_EQ(sets_on_disk(), 2u);
}

TEST_F(GrowingSetsTest, ASetThatBecomesOneOfTheOthers) {
  fill("e1", set({"x"}));
  ScanCache cache = open();
  const Set more = set({"x", "y"});
  cache.put("/d", of(more));
  cache.save();
  for (const char* place : {"/a", "/b", "/c"}) grow(cache, place, more);
  cache.save();
  for (const char* place : {"/a", "/b", "/c", "/d"}) EXPECT_EQ(known_of(place), *more);
  EXPECT_EQ(sets_on_disk(), 1u);
}

TEST_F(GrowingSetsTest, ManySetsAreMergedIntoWhatAllOfThemHave) {
  ScanCache cache = open();
  for (int i = 0; i < 40; ++i) {
    cache.put("/p" + std::to_string(i), of(set({"x", "y", std::to_string(i)})));
    cache.save();
  }
  for (int i = 0; i < 40; ++i) {
    const KnownSet known = known_of("/p" + std::to_string(i)), put{"x", "y", std::to_string(i)};
    EXPECT_TRUE(known.contains("x") && known.contains("y"));
    EXPECT_TRUE(std::ranges::includes(put, known));
  }
  EXPECT_LE(sets_on_disk(), 32u);
}

// Several processes, each of which knows what was on the disk when it began.
TEST_F(GrowingSetsTest, NoEntryEverClaimsMoreThanItWasPutWith) {
  std::mt19937 random(7);
  const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
  std::vector<std::string> places;
  for (int i = 0; i < 40; ++i) places.push_back("/p" + std::to_string(i));
  std::map<std::string, KnownSet> put;  // what an identity was ever put with
  std::vector<ScanCache> processes;
  int identities = 0;
  std::size_t claims = 0;
  for (int round = 0; round < 300; ++round) {
    if (processes.size() < 3) processes.push_back(open());
    ScanCache& cache = processes[below(processes.size())];
    const std::string fresh = std::to_string(round);
    std::map<Set, Set> grown;
    const bool all = below(2) == 0;
    for (const std::string& place : places) {
      const CacheEntry* entry = cache.find(place);
      if (!entry || below(60) == 0) {
        const std::string identity = std::to_string(identities++);
        put[identity] = {fresh};
        cache.put(place, of(set({fresh}), identity));
      } else if (const CacheEntry* other = cache.find(places[below(places.size())]); other && below(20) == 0) {
        put[entry->identity].insert(other->known->begin(), other->known->end());
        grow(cache, place, other->known);
      } else if (all || below(4) == 0) {
        Set& more = grown[entry->known];
        if (!more) {
          KnownSet values = *entry->known;
          values.insert(fresh);
          more = set(std::move(values));
        }
        put[entry->identity].insert(more->begin(), more->end());
        grow(cache, place, more);
      }
    }
    if (below(8) == 0) cache.keep_only({places.begin() + 5, places.end()});
    cache.save();
    if (below(4) == 0) processes.erase(processes.begin());
    ScanCache again = open();
    for (const std::string& place : places) {
      const CacheEntry* entry = again.find(place);
      if (!entry) continue;
      claims += entry->known->size();
      ASSERT_TRUE(std::ranges::includes(put.at(entry->identity), *entry->known)) << place << " in round " << round;
    }
  }
  EXPECT_GT(claims, 10'000u);
}

}  // namespace
}  // namespace cleanerd::search
