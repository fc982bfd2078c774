#include "purge/journal.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/descriptor.hpp"
#include "base/time.hpp"
#include "purge/journal_database.hpp"

namespace cleanerd::purge {
namespace {

const char* name_of(Settled how) {
  switch (how) {
    case Settled::removed: return "removed";
    case Settled::owed: return "owed";
    case Settled::closed: return "closed";
  }
  return "owed";
}

constexpr const char* kUnfinished =
    "SELECT DISTINCT object FROM action JOIN run ON run.id = action.run "
    "WHERE state IN ('planned', 'owed') AND engine = ? ORDER BY object";

Error io_error(const std::string& what, int number) {
  return Error(Errc::io, what + ": " + std::generic_category().message(number));
}

Status make_directory(const std::string& state_dir) {
  std::error_code error;
  if (std::filesystem::create_directories(state_dir, error)) std::filesystem::permissions(state_dir, std::filesystem::perms::owner_all, error);
  if (error) return Error(Errc::io, "state directory " + state_dir + ": " + error.message());
  return {};
}

}  // namespace

struct Journal::Impl {
  explicit Impl(int lock_number) : lock(lock_number) {}
  Descriptor lock;  // held while it is open, whatever ends that
  Database db;
};

Journal::Journal(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Journal::Journal(Journal&&) noexcept = default;
Journal& Journal::operator=(Journal&&) noexcept = default;
Journal::~Journal() = default;

Result<Journal> Journal::open(const std::string& state_dir) {
  if (Status made = make_directory(state_dir); !made) return std::move(made).error();
  const std::string lock_path = state_dir + "/lock";
  auto impl = std::make_unique<Impl>(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!impl->lock) return io_error("state directory: " + lock_path, errno);
  if (::flock(impl->lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Error(Errc::conflict, "another purge is under way (" + lock_path + " is held); try again when it has ended");
    return io_error(lock_path, errno);
  }
  auto db = open_journal(state_dir);
  if (!db) return std::move(db).error();
  impl->db = std::move(*db);
  return Journal(std::move(impl));
}

Result<Descriptor> claim_state_directory(const std::string& state_dir) {
  if (Status made = make_directory(state_dir); !made) return std::move(made).error();
  Descriptor directory(::open(state_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return io_error("state directory " + state_dir, errno);
  if (::flock(directory.get(), LOCK_EX | LOCK_NB) == 0) return directory;
  if (errno == EWOULDBLOCK)
    return Error(Errc::conflict, "another cleanerd works with the state directory " + state_dir + "; end it, or give this one another with --state-dir");
  return io_error("state directory " + state_dir, errno);
}

Result<std::vector<std::string>> Journal::unfinished(const std::string& engine_id) const {
  std::vector<std::string> objects;
  Statement query(impl_->db.get(), kUnfinished);
  query.bind(1, engine_id);
  while (query.row()) objects.push_back(query.text(0));
  if (!query.ended_well()) return journal_failure(impl_->db.get(), "read unfinished removals");
  return objects;
}

Result<std::int64_t> Journal::begin(const std::string& engine_id, const Cause& cause, std::span<const Planned> objects) {
  if (Status s = execute(impl_->db.get(), "BEGIN IMMEDIATE", "begin"); !s) return std::move(s).error();
  Statement run(impl_->db.get(), "INSERT INTO run(engine, actor, started, cause) VALUES (?, ?, ?, ?)");
  const std::string actor = cause.actor.empty() ? "uid " + std::to_string(::getuid()) : cause.actor;
  run.bind(1, engine_id).bind(2, actor).bind(3, format_rfc3339(system_now())).bind(4, cause.trigger);
  bool ok = run.run();
  const std::int64_t id = sqlite3_last_insert_rowid(impl_->db.get());
  Statement action(impl_->db.get(), "INSERT OR IGNORE INTO action(run, object, state, policy, builds) VALUES (?, ?, 'planned', ?, ?)");
  for (const Planned& object : objects) ok = ok && action.bind(1, id).bind(2, object.id).bind(3, object.policy).bind(4, object.builds).run();
  if (ok) {
    if (Status s = execute(impl_->db.get(), "COMMIT", "write the plan"); s) return id;
  }
  Error error = journal_failure(impl_->db.get(), "write the plan");
  sqlite3_exec(impl_->db.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  return error;
}

Status Journal::settle(std::int64_t run, std::span<const Settlement> settlements) {
  if (Status s = execute(impl_->db.get(), "BEGIN IMMEDIATE", "settle"); !s) return s;
  bool ok = true;
  const std::string now = format_rfc3339(system_now());
  // The same object may be open from earlier runs: it is settled there as well.
  Statement update(impl_->db.get(),
                   "UPDATE action SET state = ?1, reason = ?2, settled = ?3 "
                   "WHERE object = ?4 AND (run = ?5 OR (state IN ('planned', 'owed') AND run IN "
                   "(SELECT id FROM run WHERE engine = (SELECT engine FROM run WHERE id = ?5))))");
  for (const Settlement& settlement : settlements)
    ok = ok && update.bind(1, name_of(settlement.how)).bind(2, settlement.reason).bind(3, now).bind(4, settlement.object_id).bind(5, run).run();
  if (ok) {
    if (Status s = execute(impl_->db.get(), "COMMIT", "settle"); s) return {};
  }
  Error error = journal_failure(impl_->db.get(), "settle");
  sqlite3_exec(impl_->db.get(), "ROLLBACK", nullptr, nullptr, nullptr);
  return error;
}

Status Journal::end(std::int64_t run) {
  Statement update(impl_->db.get(), "UPDATE run SET ended = ? WHERE id = ?");
  if (!update.bind(1, format_rfc3339(system_now())).bind(2, run).run()) return journal_failure(impl_->db.get(), "end");
  return {};
}

std::vector<std::string> read_unfinished(const std::string& state_dir, const std::string& engine_id) {
  std::vector<std::string> objects;
  if (const Database db = open_journal_to_read(state_dir)) {
    Statement query(db.get(), kUnfinished);
    query.bind(1, engine_id);
    while (query.row()) objects.push_back(query.text(0));
  }
  return objects;
}

}  // namespace cleanerd::purge
