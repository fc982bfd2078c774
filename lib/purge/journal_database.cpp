#include "purge/journal_database.hpp"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace cleanerd::purge {
namespace {

namespace fs = std::filesystem;

// user_version of the schema below; a later one is refused.
constexpr int kSchemaVersion = 3;
constexpr const char* kFirstSchema = R"(
CREATE TABLE run (
  id INTEGER PRIMARY KEY, engine TEXT NOT NULL, actor TEXT NOT NULL, started TEXT NOT NULL, ended TEXT);
CREATE TABLE action (
  run INTEGER NOT NULL REFERENCES run(id), object TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('planned', 'removed', 'owed', 'closed')),
  reason TEXT NOT NULL DEFAULT '', settled TEXT,
  PRIMARY KEY (run, object)) WITHOUT ROWID;
CREATE INDEX open_action ON action(object) WHERE state IN ('planned', 'owed');
)";
// A session that has no end was not ended before the service was.
constexpr const char* kSecondSchema = R"(
ALTER TABLE run ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE action ADD COLUMN policy TEXT NOT NULL DEFAULT '';
CREATE TABLE event (
  id INTEGER PRIMARY KEY, at TEXT NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, subject TEXT NOT NULL, outcome TEXT NOT NULL, text TEXT NOT NULL);
CREATE TABLE session (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, actor TEXT NOT NULL, began TEXT NOT NULL, expires TEXT NOT NULL, ended TEXT);
)";
constexpr const char* kThirdSchema = "ALTER TABLE action ADD COLUMN builds TEXT NOT NULL DEFAULT '';";
constexpr int kBusyTime = 5000;  // milliseconds; the others' transactions are short

Result<int> version_of(sqlite3* db) {
  Statement query(db, "PRAGMA user_version");
  if (!query.row()) return journal_failure(db, "read its version");
  return std::atoi(query.text(0).c_str());
}

Status bring_up(sqlite3* db, const std::string& path) {
  auto version = version_of(db);
  if (!version) return std::move(version).error();
  if (*version == kSchemaVersion) return {};
  if (*version > kSchemaVersion) return Error(Errc::io, path + " was written by a newer cleanerd");
  if (Status begun = execute(db, "BEGIN IMMEDIATE", "create"); !begun) return begun;
  version = version_of(db);  // another may have been first
  if (!version) return std::move(version).error();
  std::string sql;
  if (*version < 1) sql += kFirstSchema;
  if (*version < 2) sql += kSecondSchema;
  if (*version < 3) sql += kThirdSchema;
  return execute(db, sql + "PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";COMMIT", "create");
}

}  // namespace

void CloseDatabase::operator()(sqlite3* db) const { sqlite3_close(db); }

Statement::Statement(sqlite3* db, const char* sql) : code_(SQLITE_ERROR) { sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr); }
Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(int at, const std::string& text) {
  if (statement_) sqlite3_bind_text(statement_, at, text.c_str(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
  return *this;
}
Statement& Statement::bind(int at, std::int64_t number) {
  if (statement_) sqlite3_bind_int64(statement_, at, number);
  return *this;
}
bool Statement::row() { return statement_ && (code_ = sqlite3_step(statement_)) == SQLITE_ROW; }
bool Statement::run() {
  if (!statement_) return false;
  code_ = sqlite3_step(statement_);
  sqlite3_reset(statement_);
  return code_ == SQLITE_DONE;
}
bool Statement::ended_well() const { return statement_ && code_ == SQLITE_DONE; }
std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return bytes ? bytes : "";
}
std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }

Error journal_failure(sqlite3* db, const char* step) {
  return Error(Errc::io, std::string("audit journal: ") + step + ": " + (db ? sqlite3_errmsg(db) : "not open"));
}

Status execute(sqlite3* db, const std::string& sql, const char* step) {
  if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  Error error = journal_failure(db, step);
  if (!sqlite3_get_autocommit(db)) sqlite3_exec(db, "ROLLBACK", nullptr, nullptr, nullptr);
  return error;
}

Result<Database> open_journal(const std::string& state_dir) {
  std::error_code error;
  if (!fs::exists(state_dir, error)) {
    fs::create_directories(state_dir, error);
    if (error) return Error(Errc::io, "state directory " + state_dir + ": " + error.message());
    fs::permissions(state_dir, fs::perms::owner_all, error);
  }
  const std::string path = state_dir + "/journal.db";
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database db(raw);
  if (opened != SQLITE_OK) return journal_failure(raw, "open journal.db");
  ::chmod(path.c_str(), 0600);
  sqlite3_busy_timeout(raw, kBusyTime);
  // synchronous=FULL with WAL: a committed transaction survives a power cut.
  if (Status s = execute(raw, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", "prepare"); !s) return std::move(s).error();
  if (Status s = bring_up(raw, path); !s) return std::move(s).error();
  return db;
}

Database open_journal_to_read(const std::string& state_dir) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2((state_dir + "/journal.db").c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, nullptr);
  Database db(raw);
  if (opened != SQLITE_OK) return nullptr;
  sqlite3_busy_timeout(raw, kBusyTime);
  return db;
}

}  // namespace cleanerd::purge
