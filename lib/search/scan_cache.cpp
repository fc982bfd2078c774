#include "search/scan_cache.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/secret_value.hpp"

namespace cleanerd::search {
namespace {

using nlohmann::json;

// user_version of the tables below. Another one is dropped: a cache needs no migration.
constexpr int kSchemaVersion = 2;
constexpr const char* kSchema = R"(
CREATE TABLE known_set (id TEXT PRIMARY KEY, fingerprints BLOB NOT NULL);
CREATE TABLE place (
  engine TEXT NOT NULL, path BLOB NOT NULL, identity BLOB NOT NULL, rules TEXT NOT NULL, known TEXT NOT NULL, answer BLOB NOT NULL,
  PRIMARY KEY (engine, path)) WITHOUT ROWID;
)";

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Database = std::unique_ptr<sqlite3, Close>;

// Binds and steps; text that is no UTF-8 goes as a blob.
class Statement {
 public:
  Statement(sqlite3* db, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    state_ = sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
    if (state_ == SQLITE_OK) statement_.reset(statement);
  }
  Statement& text(int column, std::string_view value) {
    if (statement_) sqlite3_bind_text(statement_.get(), column, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& blob(int column, std::string_view value) {
    if (statement_) sqlite3_bind_blob(statement_.get(), column, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
    return *this;
  }
  bool row() { return statement_ && (state_ = sqlite3_step(statement_.get())) == SQLITE_ROW; }
  bool met_damage() const { return state_ == SQLITE_CORRUPT || state_ == SQLITE_NOTADB; }
  bool run() {
    const bool done = statement_ && sqlite3_step(statement_.get()) == SQLITE_DONE;
    if (statement_) sqlite3_reset(statement_.get());
    return done;
  }
  std::string column(int i) {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), i));
    return bytes ? std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), i))) : std::string();
  }

 private:
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int state_ = SQLITE_OK;
};

bool execute(sqlite3* db, const char* sql) { return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }

bool is_ours(sqlite3* db) {
  Statement version(db, "PRAGMA user_version");
  return version.row() && version.column(0) == std::to_string(kSchemaVersion);
}

Database open_file(const std::string& path) {
  sqlite3* raw = nullptr;
  const bool opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, nullptr) == SQLITE_OK;
  Database db(raw);
  if (!opened) return nullptr;
  ::chmod(path.c_str(), 0600);
  sqlite3_busy_timeout(db.get(), 2000);
  if (!execute(db.get(), "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-256")) return nullptr;
  if (is_ours(db.get())) return db;
  Statement tables(db.get(), "SELECT count(*) FROM sqlite_master");
  if (!tables.row() || tables.column(0) != "0") return nullptr;
  const std::string create = std::string("BEGIN;") + kSchema + "PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";COMMIT;";
  return execute(db.get(), create.c_str()) ? std::move(db) : nullptr;
}

// Where the file is damaged, or another version's.
Database make_anew(const std::string& state_dir) {
  const std::string path = state_dir + "/scan.db";
  std::error_code error;
  for (const char* part : {"", "-wal", "-shm"}) std::filesystem::remove(path + part, error);
  return open_file(path);
}

Database open_database(const std::string& state_dir) {
  std::error_code error;
  if (std::filesystem::create_directories(state_dir, error))
    std::filesystem::permissions(state_dir, std::filesystem::perms::owner_all, error);
  if (Database db = open_file(state_dir + "/scan.db")) return db;
  return make_anew(state_dir);
}

// Nothing for nothing found, which is what there is to say of most places.
std::string encode(const Answer& answer) {
  if (answer.hits.empty() && answer.unread.empty()) return std::to_string(answer.bytes);
  json hits = json::array(), unread = json::array();
  for (const Hit& hit : answer.hits)
    hits.push_back({hit.rule, hit.description, hit.file, hit.begin, hit.end, static_cast<int>(hit.encoding), hit.checked, static_cast<int>(hit.tier),
                    hit.anywhere, hit.fingerprint, hit.masked});
  for (const UnreadFile& file : answer.unread) unread.push_back({file.file, file.reason});
  const auto bytes = json::to_cbor(json{hits, unread, answer.bytes, answer.left_out});
  return {bytes.begin(), bytes.end()};
}

std::optional<Answer> decode(const std::string& bytes) try {
  if (bytes.find_first_not_of("0123456789") == std::string::npos && !bytes.empty()) {
    Answer nothing;
    nothing.bytes = std::stoull(bytes);
    return nothing;
  }
  const json all = json::from_cbor(bytes);
  Answer answer;
  for (const json& hit : all.at(0))
    answer.hits.push_back({hit.at(0), hit.at(1), hit.at(2), hit.at(3), hit.at(4), static_cast<match::Encoding>(hit.at(5).get<int>()), hit.at(6),
                           static_cast<match::Tier>(hit.at(7).get<int>()), hit.at(8), hit.at(9), hit.at(10), std::nullopt});
  for (const json& file : all.at(1)) answer.unread.push_back({file.at(0), file.at(1)});
  answer.bytes = all.at(2);
  answer.left_out = all.at(3);
  return answer;
} catch (const std::exception&) {  // json::exception, std::out_of_range
  return std::nullopt;
}

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

}  // namespace

class ScanCache::Impl {
 public:
  Impl(const std::string& state_dir, std::string engine_id) : engine(std::move(engine_id)), db(open_database(state_dir)) {
    if (load()) return;
    db.reset();
    db = make_anew(state_dir);
  }

  // False when the file is damaged.
  bool load() {
    if (!db) return true;
    std::map<std::string, std::shared_ptr<const KnownSet>> sets;
    Statement known(db.get(), "SELECT id, fingerprints FROM known_set");
    while (known.row()) sets[known.column(0)] = split_set(known.column(1));
    Statement rows(db.get(), "SELECT path, identity, rules, known, answer FROM place WHERE engine = ?");
    rows.text(1, engine);
    while (rows.row()) {
      const auto set = sets.find(rows.column(3));
      auto answer = decode(rows.column(4));
      if (set == sets.end() || !answer) continue;
      entries[rows.column(0)] = {rows.column(1), rows.column(2), set->second, std::move(*answer)};
    }
    return !known.met_damage() && !rows.met_damage();
  }

  void save() {
    if (!db || (changed.empty() && gone.empty())) return;
    if (!execute(db.get(), "BEGIN IMMEDIATE")) return;
    Statement set(db.get(), "INSERT OR IGNORE INTO known_set VALUES (?, ?)");
    Statement put(db.get(), "INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?, ?)");
    Statement remove(db.get(), "DELETE FROM place WHERE engine = ? AND path = ?");
    bool done = true;
    std::map<const KnownSet*, std::string> ids;
    for (const std::string& place : changed) {
      const CacheEntry& entry = entries.at(place);
      std::string& id = ids[entry.known.get()];
      if (id.empty()) {
        const std::string text = join(*entry.known);
        id = sha256_hex(text);
        done = done && set.text(1, id).blob(2, text).run();
      }
      done = done && put.text(1, engine).blob(2, place).blob(3, entry.identity).text(4, entry.rules).text(5, id).blob(6, encode(entry.answer)).run();
    }
    for (const std::string& place : gone) done = done && remove.text(1, engine).blob(2, place).run();
    done = done && execute(db.get(), "DELETE FROM known_set WHERE id NOT IN (SELECT known FROM place)");
    execute(db.get(), done ? "COMMIT" : "ROLLBACK");
    changed.clear();
    gone.clear();
  }

  std::string engine;
  Database db;
  std::map<std::string, CacheEntry> entries;
  std::set<std::string> changed, gone;
};

ScanCache::ScanCache(const std::string& state_dir, const std::string& engine) : impl_(std::make_unique<Impl>(state_dir, engine)) {}
ScanCache::ScanCache(ScanCache&&) noexcept = default;
ScanCache& ScanCache::operator=(ScanCache&&) noexcept = default;
ScanCache::~ScanCache() = default;

const CacheEntry* ScanCache::find(const std::string& place) {
  const auto found = impl_->entries.find(place);
  return found == impl_->entries.end() ? nullptr : &found->second;
}

void ScanCache::put(const std::string& place, CacheEntry entry) {
  for (Hit& hit : entry.answer.hits) hit.value.reset();
  impl_->entries.insert_or_assign(place, std::move(entry));
  impl_->changed.insert(place);
  impl_->gone.erase(place);
}

void ScanCache::keep_only(const std::set<std::string_view>& places) {
  std::erase_if(impl_->entries, [&](const auto& known) {
    if (places.contains(known.first)) return false;
    impl_->changed.erase(known.first);
    impl_->gone.insert(known.first);
    return true;
  });
}

void ScanCache::save() { impl_->save(); }

}  // namespace cleanerd::search
