#include "search/scan_cache.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "search/scan_database.hpp"

namespace cleanerd::search {
namespace {

constexpr std::size_t kMostSets = 32;  // that are kept apart

// Fingerprints are hex: a space between two cannot be part of one.
std::string join(const KnownSet& known) {
  std::string text;
  for (const std::string& fingerprint : known) text += fingerprint + ' ';
  return text;
}

std::shared_ptr<const KnownSet> split_set(const std::string& text) {
  auto known = std::make_shared<KnownSet>();
  for (std::size_t at = 0, end; (end = text.find(' ', at)) != std::string::npos; at = end + 1) known->insert(text.substr(at, end - at));
  return known;
}

// What is on the disk of two entries is the same, but for the values that they were searched for.
bool differ_in_known_alone(const CacheEntry& one, const CacheEntry& other) {
  const auto row = [](const Hit& hit) {
    return std::tie(hit.rule, hit.description, hit.file, hit.begin, hit.end, hit.encoding, hit.checked, hit.tier, hit.anywhere, hit.fingerprint, hit.masked);
  };
  const Answer &first = one.answer, &second = other.answer;
  return one.identity == other.identity && one.rules == other.rules && first.bytes == second.bytes && first.left_out == second.left_out &&
         std::ranges::equal(first.hits, second.hits, {}, row, row) &&
         std::ranges::equal(first.unread, second.unread, [](const UnreadFile& a, const UnreadFile& b) { return a.file == b.file && a.reason == b.reason; });
}

}  // namespace

class ScanCache::Impl {
 public:
  Impl(const std::string& state_dir, std::string engine_id) : directory(state_dir), engine(std::move(engine_id)), db(open_scan_database(state_dir)) {
    if (load()) return;
    db.reset();
    db = make_scan_database_anew(state_dir);
    generation = generation_of(db.get());
  }

  bool reopen() {
    db.reset();
    db = open_scan_database(directory);
    if (db) return !failed && generation_of(db.get()) == generation;
    generation = kNone;  // what is known is as true without a file
    return true;
  }

  // False when the file is damaged.
  bool load() {
    if (!db) return true;
    execute(db.get(), "BEGIN");
    const Read read = load_all();
    generation = read == Read::all ? generation_of(db.get()) : kNone;
    execute(db.get(), "COMMIT");
    if (read != Read::all) {  // a part would be places without their hits
      entries.clear();
      saved_sets.clear();
    }
    return read != Read::damage;
  }

  enum class Read { all, part, damage };
  Read load_all() {
    Statement known(db.get(), "SELECT id, fingerprints FROM known_set WHERE engine = ?");
    known.text(1, engine);
    std::map<std::uint64_t, std::shared_ptr<const KnownSet>> sets;
    while (known.row()) {
      const auto set = sets.emplace(known.number_at(0), split_set(known.column(1))).first;
      saved_sets[set->second] = set->first;
    }
    using Row = std::pair<std::uint64_t, CacheEntry*>;
    std::vector<Row> by_id;
    // Nearly all rows are this engine's: by the index each would be looked up a second time.
    Statement places(db.get(), "SELECT id, path, identity, rules, known, bytes, left_out FROM place NOT INDEXED WHERE engine = ? ORDER BY id");
    places.text(1, engine);
    Statement count(db.get(), "SELECT count(*) FROM place");
    if (count.row()) {
      entries.reserve(count.number_at(0));
      by_id.reserve(count.number_at(0));
    }
    while (places.row()) {
      const auto set = sets.find(places.number_at(4));
      if (set == sets.end()) continue;
      CacheEntry& entry = entries[places.column(1)];
      entry = {places.column(2), places.column(3), set->second, {}};
      entry.answer.bytes = places.number_at(5);
      entry.answer.left_out = places.number_at(6);
      by_id.emplace_back(places.number_at(0), &entry);
    }
    const auto entry_of = [&](std::uint64_t id) {
      const auto entry = std::ranges::lower_bound(by_id, id, {}, &Row::first);
      return entry == by_id.end() || entry->first != id ? nullptr : entry->second;
    };
    Statement hits(db.get(), "SELECT place, rule, description, file, \"begin\", \"end\", encoding, checked, tier, anywhere, fingerprint, masked FROM hit");
    while (hits.row())
      if (CacheEntry* entry = entry_of(hits.number_at(0)))
        entry->answer.hits.push_back({hits.column(1), hits.column(2), hits.column(3), hits.number_at(4), hits.number_at(5),
                                      static_cast<match::Encoding>(hits.number_at(6)), hits.number_at(7) != 0, static_cast<match::Tier>(hits.number_at(8)),
                                      hits.number_at(9) != 0, hits.column(10), hits.column(11), std::nullopt});
    Statement unread(db.get(), "SELECT place, file, reason FROM unread");
    while (unread.row())
      if (CacheEntry* entry = entry_of(unread.number_at(0))) entry->answer.unread.push_back({unread.column(1), unread.column(2)});
    const auto statements = {&known, &places, &hits, &unread};
    if (std::ranges::any_of(statements, [](const Statement* one) { return one->met_damage(); })) return Read::damage;
    return std::ranges::all_of(statements, [](const Statement* one) { return one->ended_well(); }) ? Read::all : Read::part;
  }

  void put(const std::string& place, CacheEntry entry) {
    const auto before = entries.find(place);
    if (before != entries.end() && !changed.contains(place) && differ_in_known_alone(before->second, entry)) {
      grown.try_emplace(place, before->second.known);
    } else {
      changed.insert(place);
      grown.erase(place);
    }
    gone.erase(place);
    entries.insert_or_assign(place, std::move(entry));
  }

  void forget(const std::string& place) {
    changed.erase(place);
    grown.erase(place);
    gone.insert(place);
  }

  // Builds of many values leave a set each. Fewer values in one are as right, and cost a search at most.
  void merge_sets() {
    std::unordered_set<const KnownSet*> all;
    for (const auto& [place, entry] : entries) all.insert(entry.known.get());
    if (all.size() <= kMostSets) return;
    KnownSet common = **all.begin();
    for (const KnownSet* set : all) std::erase_if(common, [&](const std::string& fingerprint) { return !set->contains(fingerprint); });
    const auto one = std::make_shared<const KnownSet>(std::move(common));
    for (auto& [place, entry] : entries) {
      if (!changed.contains(place)) grown.try_emplace(place, entry.known);
      entry.known = one;
    }
  }

  void save() {
    merge_sets();
    if (!db || (changed.empty() && grown.empty() && gone.empty()) || !execute(db.get(), "BEGIN IMMEDIATE")) return;
    const std::uint64_t now = generation_of(db.get()), next = next_generation(now);
    const bool is_mine = now == generation;
    if (!is_mine) write_anew();
    const bool done = remove_gone() && put_known() && put_changed() && remove_unused_sets() && begin_generation(db.get(), next);
    if (!execute(db.get(), done ? "COMMIT" : "ROLLBACK") || !done) {
      execute(db.get(), "ROLLBACK");
      failed = true;
      return write_anew();
    }
    generation = is_mine ? next : kNone;  // others' rows are not what was read
    changed.clear();
    grown.clear();
    gone.clear();
  }

  bool remove_unused_sets() {
    std::unordered_set<const KnownSet*> used;
    for (const auto& [place, entry] : entries) used.insert(entry.known.get());
    Statement remove(db.get(), "DELETE FROM known_set WHERE id = ?");
    bool done = true;
    std::erase_if(saved_sets, [&](const auto& saved) {
      if (used.contains(saved.first.get())) return false;
      done = done && remove.number(1, saved.second).run();
      return true;
    });
    return done;
  }

  // What is on the disk is not what was read or written last: nothing is changed in place.
  void write_anew() {
    for (const auto& [place, before] : std::exchange(grown, {})) changed.insert(place);
    saved_sets.clear();
  }

  bool remove_gone() {
    Statement remove(db.get(), "DELETE FROM place WHERE engine = ? AND path = ?");
    bool done = true;
    for (const std::string& place : gone) done = done && remove.text(1, engine).blob(2, place).run();
    for (const std::string& place : changed) done = done && remove.text(1, engine).blob(2, place).run();
    return done;
  }

  // Mostly all places of a set have been searched for the same values more: its row tells that of all of them at once.
  bool put_known() {
    if (grown.empty()) return true;
    using Set = std::shared_ptr<const KnownSet>;
    std::map<std::pair<Set, Set>, std::vector<std::string_view>> moves;  // from one set to another
    for (const auto& [place, before] : grown) moves[{before, entries.at(place).known}].push_back(place);
    std::map<Set, std::size_t> rows;
    for (const auto& [place, entry] : entries)
      if (!changed.contains(place)) ++rows[grown.contains(place) ? grown.at(place) : entry.known];
    Statement set(db.get(), "UPDATE known_set SET fingerprints = ? WHERE id = ?");
    Statement all(db.get(), "UPDATE place SET known = ? WHERE known = ?");
    Statement one(db.get(), "UPDATE place SET known = ? WHERE engine = ? AND path = ?");
    std::set<Set> targets;
    for (const auto& [sets, places] : moves) targets.insert(sets.second);
    bool done = true;
    for (const auto& [sets, places] : moves) {
      const auto& [from, to] = sets;
      const auto saved = saved_sets.find(from);
      const bool are_all = saved != saved_sets.end() && rows.at(from) == places.size() && !targets.contains(from);
      if (are_all && !saved_sets.contains(to)) {
        auto row = saved_sets.extract(saved);
        row.key() = to;
        done = done && set.blob(1, join(*to)).number(2, row.mapped()).run();
        saved_sets.insert(std::move(row));
      } else if (const auto id = id_of(to); !id) {
        done = false;
      } else if (are_all) {
        done = done && all.number(1, *id).number(2, saved->second).run();
      } else {
        for (const std::string_view place : places) done = done && one.number(1, *id).text(2, engine).blob(3, place).run();
      }
    }
    return done;
  }

  std::optional<std::uint64_t> id_of(const std::shared_ptr<const KnownSet>& set) {
    if (const auto saved = saved_sets.find(set); saved != saved_sets.end()) return saved->second;
    Statement put(db.get(), "INSERT INTO known_set VALUES (NULL, ?, ?)");
    if (!put.text(1, engine).blob(2, join(*set)).run()) return std::nullopt;
    return saved_sets[set] = static_cast<std::uint64_t>(sqlite3_last_insert_rowid(db.get()));
  }

  bool put_changed() {
    Statement put(db.get(), "INSERT INTO place VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)");
    Statement put_hit(db.get(), "INSERT INTO hit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    Statement put_unread(db.get(), "INSERT INTO unread VALUES (?, ?, ?, ?)");
    bool done = true;
    for (const std::string& place : changed) {
      const CacheEntry& entry = entries.at(place);
      const auto set = id_of(entry.known);
      if (!set) return false;
      const Answer& answer = entry.answer;
      done = done && put.text(1, engine).blob(2, place).blob(3, entry.identity).text(4, entry.rules).number(5, *set).number(6, answer.bytes).number(7, answer.left_out).run();
      const auto row = static_cast<std::uint64_t>(sqlite3_last_insert_rowid(db.get()));
      for (std::size_t i = 0; done && i < answer.hits.size(); ++i) {
        const Hit& hit = answer.hits[i];
        done = put_hit.number(1, row).number(2, i).text(3, hit.rule).text(4, hit.description).blob(5, hit.file).number(6, hit.begin).number(7, hit.end)
                   .number(8, static_cast<std::uint64_t>(hit.encoding)).number(9, hit.checked).number(10, static_cast<std::uint64_t>(hit.tier))
                   .number(11, hit.anywhere).text(12, hit.fingerprint).blob(13, hit.masked).run();
      }
      for (std::size_t i = 0; done && i < answer.unread.size(); ++i)
        done = put_unread.number(1, row).number(2, i).blob(3, answer.unread[i].file).blob(4, answer.unread[i].reason).run();
    }
    return done;
  }

  std::string directory, engine;
  Database db;
  bool failed = false;        // to save, other than because somebody else was writing
  static constexpr std::uint64_t kNone = 0;
  std::uint64_t generation = kNone;  // of what was read or saved last
  std::unordered_map<std::string, CacheEntry> entries;
  std::map<std::shared_ptr<const KnownSet>, std::uint64_t> saved_sets;  // their ids on the disk
  std::set<std::string> changed, gone;
  std::unordered_map<std::string, std::shared_ptr<const KnownSet>> grown;  // what they had been searched for on the disk, of those that differ in it alone
};

ScanCache::ScanCache(const std::string& state_dir, const std::string& engine) : impl_(std::make_unique<Impl>(state_dir, engine)) {}
ScanCache::ScanCache(ScanCache&&) noexcept = default;
ScanCache& ScanCache::operator=(ScanCache&&) noexcept = default;
ScanCache::~ScanCache() = default;

void ScanCache::close() { impl_->db.reset(); }

bool ScanCache::reopen(const std::string& state_dir, const std::string& engine) {
  return impl_->directory == state_dir && impl_->engine == engine && impl_->reopen();
}

const CacheEntry* ScanCache::find(const std::string& place) {
  const auto found = impl_->entries.find(place);
  return found == impl_->entries.end() ? nullptr : &found->second;
}

void ScanCache::put(const std::string& place, CacheEntry entry) {
  for (Hit& hit : entry.answer.hits) hit.value.reset();
  impl_->put(place, std::move(entry));
}

void ScanCache::keep_only(const std::unordered_set<std::string_view>& places) {
  std::erase_if(impl_->entries, [&](const auto& known) {
    if (places.contains(known.first)) return false;
    impl_->forget(known.first);
    return true;
  });
}

void ScanCache::save() { impl_->save(); }

}  // namespace cleanerd::search
