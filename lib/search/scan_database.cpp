#include "search/scan_database.hpp"

#include <sys/stat.h>

#include <filesystem>
#include <random>
#include <utility>

namespace cleanerd::search {
namespace {

// user_version of the tables below. Another one is dropped: a cache needs no migration.
constexpr int kSchemaVersion = 4;
constexpr std::uint32_t kGenerations = 0x7fffffff;
constexpr const char* kSchema = R"(
CREATE TABLE known_set (id INTEGER PRIMARY KEY, engine TEXT NOT NULL, fingerprints BLOB NOT NULL);
CREATE TABLE place (
  id INTEGER PRIMARY KEY, engine TEXT NOT NULL, path BLOB NOT NULL, identity BLOB NOT NULL, rules TEXT NOT NULL, known INTEGER NOT NULL,
  bytes INTEGER NOT NULL, left_out INTEGER NOT NULL, UNIQUE (engine, path));
CREATE TABLE hit (
  place INTEGER NOT NULL REFERENCES place ON DELETE CASCADE, number INTEGER NOT NULL, rule TEXT NOT NULL, description TEXT NOT NULL,
  file BLOB NOT NULL, "begin" INTEGER NOT NULL, "end" INTEGER NOT NULL, encoding INTEGER NOT NULL, checked INTEGER NOT NULL,
  tier INTEGER NOT NULL, anywhere INTEGER NOT NULL, fingerprint TEXT NOT NULL, masked BLOB NOT NULL,
  PRIMARY KEY (place, number)) WITHOUT ROWID;
CREATE TABLE unread (
  place INTEGER NOT NULL REFERENCES place ON DELETE CASCADE, number INTEGER NOT NULL, file BLOB NOT NULL, reason BLOB NOT NULL,
  PRIMARY KEY (place, number)) WITHOUT ROWID;
)";

bool is_ours(sqlite3* db) {
  Statement version(db, "PRAGMA user_version");
  return version.row() && version.column(0) == std::to_string(kSchemaVersion);
}

// Nothing where the file cannot be used now. `is_useless`: nor ever, for it is damaged, another version's or a link.
Database open_file(const std::string& path, bool& is_useless) {
  is_useless = false;
  sqlite3* raw = nullptr;
  const bool opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, nullptr) == SQLITE_OK;
  Database db(raw);
  if (!opened) {
    std::error_code error;
    is_useless = std::filesystem::is_symlink(path, error);
    return nullptr;
  }
  ::chmod(path.c_str(), 0600);
  sqlite3_busy_timeout(db.get(), 2000);
  const bool prepared = execute(db.get(), "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-256; PRAGMA foreign_keys=ON");
  if (prepared && is_ours(db.get())) return db;
  Statement tables(db.get(), "SELECT count(*) FROM sqlite_master");
  const bool read = tables.row();
  is_useless = tables.met_damage() || (read && tables.column(0) != "0");
  if (!prepared || !read || is_useless) return nullptr;
  const std::string create = std::string("BEGIN;") + kSchema + "PRAGMA application_id=" + std::to_string(1 + std::random_device()() % kGenerations) +
                             ";PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";COMMIT;";
  return execute(db.get(), create.c_str()) ? std::move(db) : nullptr;
}

}  // namespace

bool execute(sqlite3* db, const char* sql) { return sqlite3_exec(db, sql, nullptr, nullptr, nullptr) == SQLITE_OK; }

std::uint64_t generation_of(sqlite3* db) {
  if (!db) return 0;
  Statement query(db, "PRAGMA application_id");
  return query.row() ? query.number_at(0) : 0;
}

std::uint64_t next_generation(std::uint64_t generation) { return 1 + generation % kGenerations; }

bool begin_generation(sqlite3* db, std::uint64_t generation) { return execute(db, ("PRAGMA application_id=" + std::to_string(generation)).c_str()); }

Database make_scan_database_anew(const std::string& state_dir) {
  const std::string path = state_dir + "/scan.db";
  std::error_code error;
  for (const char* part : {"", "-wal", "-shm"}) std::filesystem::remove(path + part, error);
  bool is_useless = false;
  return open_file(path, is_useless);
}

Database open_scan_database(const std::string& state_dir) {
  std::error_code error;
  if (std::filesystem::create_directories(state_dir, error))
    std::filesystem::permissions(state_dir, std::filesystem::perms::owner_all, error);
  bool is_useless = false;
  Database db = open_file(state_dir + "/scan.db", is_useless);
  return is_useless ? make_scan_database_anew(state_dir) : std::move(db);
}

}  // namespace cleanerd::search
