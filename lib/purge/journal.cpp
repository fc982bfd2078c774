#include "purge/journal.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/time.hpp"

namespace cleanerd::purge {
namespace {

namespace fs = std::filesystem;

// user_version of the schema below; a later one is refused, an earlier one would be migrated.
constexpr int kSchemaVersion = 1;
constexpr const char* kSchema = R"(
CREATE TABLE run (
  id INTEGER PRIMARY KEY, engine TEXT NOT NULL, actor TEXT NOT NULL, started TEXT NOT NULL, ended TEXT);
CREATE TABLE action (
  run INTEGER NOT NULL REFERENCES run(id), object TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('planned', 'removed', 'owed', 'closed')),
  reason TEXT NOT NULL DEFAULT '', settled TEXT,
  PRIMARY KEY (run, object)) WITHOUT ROWID;
CREATE INDEX open_action ON action(object) WHERE state IN ('planned', 'owed');
)";

const char* name_of(Settled how) {
  switch (how) {
    case Settled::removed: return "removed";
    case Settled::owed: return "owed";
    case Settled::closed: return "closed";
  }
  return "owed";
}

class Statement {
 public:
  Statement(sqlite3* db, const char* sql) { sqlite3_prepare_v2(db, sql, -1, &statement_, nullptr); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  Statement& bind(int at, const std::string& text) {
    if (statement_) sqlite3_bind_text(statement_, at, text.c_str(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Statement& bind(int at, std::int64_t number) {
    if (statement_) sqlite3_bind_int64(statement_, at, number);
    return *this;
  }
  bool row() { return statement_ && (code_ = sqlite3_step(statement_)) == SQLITE_ROW; }
  // Runs a statement without rows; ready to run again.
  bool run() {
    if (!statement_) return false;
    code_ = sqlite3_step(statement_);
    sqlite3_reset(statement_);
    return code_ == SQLITE_DONE;
  }
  bool ended_well() const { return statement_ && code_ == SQLITE_DONE; }
  std::string text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes ? bytes : "";
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_ERROR;
};

constexpr const char* kUnfinished =
    "SELECT DISTINCT object FROM action JOIN run ON run.id = action.run "
    "WHERE state IN ('planned', 'owed') AND engine = ? ORDER BY object";

Error io_error(const std::string& what, int number) {
  return Error(Errc::io, what + ": " + std::generic_category().message(number));
}

}  // namespace

class Journal::Impl {
 public:
  ~Impl() {
    sqlite3_close(db);
    if (lock >= 0) ::close(lock);
  }

  Error failure(const char* step) const {
    return Error(Errc::io, std::string("audit journal: ") + step + ": " + (db ? sqlite3_errmsg(db) : "not open"));
  }
  Status execute(const char* sql, const char* step) {
    if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure(step);
    return {};
  }

  int lock = -1;
  sqlite3* db = nullptr;
};

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

Result<Journal> Journal::open(const std::string& state_dir) {
  std::error_code error;
  if (!fs::exists(state_dir, error)) {
    fs::create_directories(state_dir, error);
    if (error) return Error(Errc::io, "state directory " + state_dir + ": " + error.message());
    fs::permissions(state_dir, fs::perms::owner_all, error);
  }
  auto impl = std::make_unique<Impl>();
  const std::string lock_path = state_dir + "/lock";
  impl->lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (impl->lock < 0) return io_error("state directory: " + lock_path, errno);
  if (::flock(impl->lock, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Error(Errc::conflict, "another purge is under way (" + lock_path + " is held); try again when it has ended");
    return io_error(lock_path, errno);
  }
  const std::string path = state_dir + "/journal.db";
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW;
  if (sqlite3_open_v2(path.c_str(), &impl->db, flags, nullptr) != SQLITE_OK) return impl->failure("open " "journal.db");
  ::chmod(path.c_str(), 0600);
  // synchronous=FULL with WAL: a committed transaction survives a power cut.
  if (Status s = impl->execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", "prepare"); !s)
    return std::move(s).error();
  int version = 0;
  {
    Statement query(impl->db, "PRAGMA user_version");
    if (!query.row()) return impl->failure("read its version");
    version = std::atoi(query.text(0).c_str());
  }
  if (version == 0) {
    const std::string create = std::string("BEGIN;") + kSchema + "PRAGMA user_version=" + std::to_string(kSchemaVersion) + ";COMMIT";
    if (Status s = impl->execute(create.c_str(), "create"); !s) return std::move(s).error();
  } else if (version != kSchemaVersion) {
    return Error(Errc::io, path + " was written by a newer cleanerd");
  }
  return Journal(std::move(impl));
}

Result<std::vector<std::string>> Journal::unfinished(const std::string& engine_id) const {
  std::vector<std::string> objects;
  Statement query(impl_->db, kUnfinished);
  query.bind(1, engine_id);
  while (query.row()) objects.push_back(query.text(0));
  if (!query.ended_well()) return impl_->failure("read unfinished removals");
  return objects;
}

Result<std::int64_t> Journal::begin(const std::string& engine_id, std::span<const std::string> object_ids) {
  if (Status s = impl_->execute("BEGIN IMMEDIATE", "begin"); !s) return std::move(s).error();
  Statement run(impl_->db, "INSERT INTO run(engine, actor, started) VALUES (?, ?, ?)");
  run.bind(1, engine_id).bind(2, "uid " + std::to_string(::getuid())).bind(3, format_rfc3339(system_now()));
  bool ok = run.run();
  const std::int64_t id = sqlite3_last_insert_rowid(impl_->db);
  Statement action(impl_->db, "INSERT OR IGNORE INTO action(run, object, state) VALUES (?, ?, 'planned')");
  for (const std::string& object : object_ids) ok = ok && action.bind(1, id).bind(2, object).run();
  if (ok) {
    if (Status s = impl_->execute("COMMIT", "write the plan"); s) return id;
  }
  Error error = impl_->failure("write the plan");
  sqlite3_exec(impl_->db, "ROLLBACK", nullptr, nullptr, nullptr);
  return error;
}

Status Journal::settle(std::int64_t run, std::span<const Settlement> settlements) {
  if (Status s = impl_->execute("BEGIN IMMEDIATE", "settle"); !s) return s;
  bool ok = true;
  const std::string now = format_rfc3339(system_now());
  // The same object may be open from earlier runs: it is settled there as well.
  Statement update(impl_->db,
                   "UPDATE action SET state = ?1, reason = ?2, settled = ?3 "
                   "WHERE object = ?4 AND (run = ?5 OR (state IN ('planned', 'owed') AND run IN "
                   "(SELECT id FROM run WHERE engine = (SELECT engine FROM run WHERE id = ?5))))");
  for (const Settlement& settlement : settlements)
    ok = ok && update.bind(1, name_of(settlement.how)).bind(2, settlement.reason).bind(3, now).bind(4, settlement.object_id).bind(5, run).run();
  if (ok) {
    if (Status s = impl_->execute("COMMIT", "settle"); s) return {};
  }
  Error error = impl_->failure("settle");
  sqlite3_exec(impl_->db, "ROLLBACK", nullptr, nullptr, nullptr);
  return error;
}

Status Journal::end(std::int64_t run) {
  Statement update(impl_->db, "UPDATE run SET ended = ? WHERE id = ?");
  if (!update.bind(1, format_rfc3339(system_now())).bind(2, run).run()) return impl_->failure("end");
  return {};
}

std::vector<std::string> read_unfinished(const std::string& state_dir, const std::string& engine_id) {
  const std::string path = state_dir + "/journal.db";
  sqlite3* db = nullptr;
  std::vector<std::string> objects;
  if (sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, nullptr) == SQLITE_OK) {
    sqlite3_busy_timeout(db, 1000);
    Statement query(db, kUnfinished);
    query.bind(1, engine_id);
    while (query.row()) objects.push_back(query.text(0));
  }
  sqlite3_close(db);
  return objects;
}

}  // namespace cleanerd::purge
