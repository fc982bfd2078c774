#include "purge/audit.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <map>
#include <system_error>

#include "base/text.hpp"
#include "purge/journal_database.hpp"

namespace cleanerd::purge {
namespace {

template <class Work>
Status with_journal(const std::string& state_dir, const Work& work) {
  auto db = open_journal(state_dir);
  if (!db) return std::move(db).error();
  return work(db->get());
}

Status write_event(sqlite3* db, const Event& event) {
  Statement insert(db, "INSERT INTO event(at, kind, actor, subject, outcome, text) VALUES (?, ?, ?, ?, ?, ?)");
  insert.bind(1, format_rfc3339(system_now())).bind(2, event.kind).bind(3, event.actor).bind(4, event.subject).bind(5, event.outcome).bind(6, event.text);
  return insert.run() ? Status() : journal_failure(db, "write an event");
}

template <class Write>
Status at_once(sqlite3* db, const Event& event, const Write& write) {
  if (Status begun = execute(db, "BEGIN IMMEDIATE", "write"); !begun) return begun;
  Status written = write_event(db, event);
  if (written) written = write();
  if (written) return execute(db, "COMMIT", "write");
  (void)execute(db, "ROLLBACK", "write");
  return written;
}

bool is_one_of(const std::vector<std::string>& wanted, const std::string& value) {
  return wanted.empty() || std::ranges::find(wanted, value) != wanted.end();
}

bool fits(const AuditFilter& filter, const AuditEntry& entry) {
  const bool names = filter.subjects.empty() || std::ranges::any_of(filter.subjects, [&](const std::string& part) { return contains(entry.subject, part); });
  return names && is_one_of(filter.kinds, entry.kind) && is_one_of(filter.actors, entry.actor) && is_one_of(filter.outcomes, entry.outcome) &&
         is_one_of(filter.policies, entry.policy);
}

// Times are text of one form and width, so that their order is that of the text.
constexpr const char* kEntries = R"(
SELECT run.started, 'removal', run.actor, run.cause, action.policy, action.object, action.state, action.reason, coalesce(action.settled, ''), run.id AS number, action.builds
  FROM action JOIN run ON run.id = action.run WHERE run.started >= ?1 AND run.started < ?2
UNION ALL
SELECT at, kind, actor, '', '', subject, outcome, text, at, id, '' FROM event WHERE at >= ?1 AND at < ?2
ORDER BY 1 DESC, 10 DESC, 6)";

Error no_kind(const std::string& value) {
  std::string kinds;
  for (const std::string_view kind : kAuditKinds) (kinds += kinds.empty() ? "" : ", ") += kind;
  return Error(Errc::usage, "kind: there is no '" + printable(value, 60) + "' on the audit; expected one of: " + kinds);
}

}  // namespace

Result<AuditFilter> parse_audit_filter(std::span<const std::string> arguments, Instant now) {
  AuditFilter filter;
  const auto time = [&](const std::string& value) -> std::optional<Instant> {
    if (const auto age = parse_duration(value)) return now - *age;
    return parse_rfc3339(value);
  };
  const std::map<std::string, std::vector<std::string>*, std::less<>> lists{{"kind", &filter.kinds}, {"actor", &filter.actors}, {"object", &filter.subjects},
                                                                            {"outcome", &filter.outcomes}, {"policy", &filter.policies}};
  for (const std::string& argument : arguments) {
    const auto equals = argument.find('=');
    const std::string key = argument.substr(0, equals), value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (const auto list = lists.find(key); list != lists.end() && equals != std::string::npos) {
      if (key == "kind" && std::ranges::find(kAuditKinds, value) == kAuditKinds.end()) return no_kind(value);
      list->second->push_back(value);
    } else if (key == "since" || key == "until") {
      const auto at = time(value);
      if (!at) return Error(Errc::usage, key + ": expected a duration (24h) or a time (2026-01-31T12:00:00Z), not '" + printable(value, 60) + "'");
      (key == "since" ? filter.since : filter.until) = at;
    } else if (key == "limit" && !value.empty() && value.size() < 7 && value.find_first_not_of("0123456789") == std::string::npos) {
      filter.limit = std::stoul(value);
    } else {
      return Error(Errc::usage, "'" + printable(argument, 80) + "': expected since, until, kind, actor, object, outcome, policy or limit, and =VALUE");
    }
  }
  return filter;
}

Status check_journal(const std::string& state_dir) {
  return with_journal(state_dir, [](sqlite3* db) -> Status {
    return execute(db,
                   "BEGIN IMMEDIATE;"
                   "INSERT INTO run(engine, actor, started) VALUES ('', '', '');"
                   "INSERT INTO action(run, object, state) VALUES (last_insert_rowid(), '', 'planned');"
                   "DELETE FROM action WHERE run = last_insert_rowid();"
                   "DELETE FROM run WHERE id = last_insert_rowid();"
                   "COMMIT", "write");
  });
}

Status note(const std::string& state_dir, const Event& event) {
  return with_journal(state_dir, [&](sqlite3* db) { return write_event(db, event); });
}

Status begin_session(const std::string& state_dir, const Session& session, const Event& event) {
  return with_journal(state_dir, [&](sqlite3* db) -> Status {
    return at_once(db, event, [&]() -> Status {
      Statement insert(db, "INSERT INTO session(id, name, actor, began, expires) VALUES (?, ?, ?, ?, ?)");
      insert.bind(1, session.id).bind(2, session.name).bind(3, session.actor).bind(4, format_rfc3339(session.began)).bind(5, format_rfc3339(session.expires));
      return insert.run() ? Status() : journal_failure(db, "write a session");
    });
  });
}

Status end_session(const std::string& state_dir, const std::string& id, const Event& event) {
  return with_journal(state_dir, [&](sqlite3* db) -> Status {
    return at_once(db, event, [&]() -> Status {
      Statement update(db, "UPDATE session SET ended = ? WHERE id = ?");
      return update.bind(1, format_rfc3339(system_now())).bind(2, id).run() ? Status() : journal_failure(db, "end a session");
    });
  });
}

Result<std::vector<Session>> open_sessions(const std::string& state_dir) {
  auto db = open_journal(state_dir);
  if (!db) return std::move(db).error();
  std::vector<Session> sessions;
  Statement query(db->get(), "SELECT id, name, actor, began, expires FROM session WHERE ended IS NULL ORDER BY began");
  while (query.row())
    sessions.push_back({query.text(0), query.text(1), query.text(2), parse_rfc3339(query.text(3)).value_or(Instant()),
                        parse_rfc3339(query.text(4)).value_or(Instant())});
  if (!query.ended_well()) return journal_failure(db->get(), "read the sessions");
  return sessions;
}

Result<std::vector<AuditEntry>> read_audit(const std::string& state_dir, const AuditFilter& filter) {
  const std::string path = state_dir + "/journal.db";
  if (::access(path.c_str(), R_OK) != 0) {
    const int number = errno;
    if (number == ENOENT || number == ENOTDIR) return Error(Errc::not_found, "there is no audit journal yet (" + path + ")");
    return Error(Errc::io, "audit journal: " + path + ": " + std::generic_category().message(number));
  }
  auto db = open_journal(state_dir);  // an older one is brought up
  Database reader = db ? std::move(*db) : open_journal_to_read(state_dir);
  if (!reader) return std::move(db).error();
  std::vector<AuditEntry> entries;
  Statement query(reader.get(), kEntries);
  query.bind(1, filter.since ? format_rfc3339(*filter.since) : "").bind(2, filter.until ? format_rfc3339(*filter.until) : "9");
  while (entries.size() < filter.limit && query.row()) {
    AuditEntry entry{query.text(0), query.text(1), query.text(2), query.text(3), query.text(4), query.text(5), query.text(6), query.text(7), query.text(8), query.text(10)};
    if (fits(filter, entry)) entries.push_back(std::move(entry));
  }
  if (entries.size() < filter.limit && !query.ended_well()) return journal_failure(reader.get(), "read");
  return entries;
}

Status forget_before(const std::string& state_dir, Instant before) {
  return with_journal(state_dir, [&](sqlite3* db) -> Status {
    const std::string when = "'" + format_rfc3339(before) + "'";
    return execute(db,
                   "BEGIN IMMEDIATE;"
                   "DELETE FROM action WHERE settled < " + when + " AND state IN ('removed', 'closed');"
                   "DELETE FROM run WHERE ended < " + when + " AND NOT EXISTS (SELECT 1 FROM action WHERE action.run = run.id);"
                   "DELETE FROM event WHERE at < " + when + ";"
                   "DELETE FROM session WHERE ended < " + when + ";"
                   "COMMIT", "forget what is old");
  });
}

}  // namespace cleanerd::purge
