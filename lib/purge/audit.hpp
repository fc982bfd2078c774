// What was done on this host, and why: the journal as people read it, and what it takes down beside removals.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace cleanerd::purge {

// Of what is on the journal: a removal, or an event.
inline constexpr std::array<std::string_view, 12> kAuditKinds{"removal", "start", "stop",          "reload",      "refused",         "plan",
                                                              "verify",  "gate",  "session-begin", "session-end", "session-expired", "session-lost"};

// Nothing in it is a secret: ids, names of sessions, codes.
struct Event {
  std::string kind;     // one of kAuditKinds
  std::string actor;    // "uid 0", "service"
  std::string subject;  // a session's id, an image, what was refused
  std::string outcome;  // a code: done, secrets, failed, …
  std::string text;
};

struct Session {
  std::string id, name, actor;
  Instant began, expires;
};

struct AuditEntry {
  std::string time;    // RFC 3339, when it was decided
  std::string kind;    // removal, or an event's
  std::string actor, cause, policy;
  std::string subject;  // an object's id, or an event's subject
  std::string outcome;  // removed, kept for now ("owed"), kept ("closed"), not settled ("planned"), or an event's
  std::string reason;   // a code, or an event's text
  std::string settled;  // RFC 3339, when the outcome was known
  std::string builds{};  // of a removal: references of the builds that left it, where that is known; a blank between two
};

struct AuditFilter {
  std::optional<Instant> since, until;
  std::vector<std::string> kinds, actors, subjects, outcomes, policies;  // any of each; subjects: a part of it
  std::size_t limit = 1000;  // the newest
};

// KEY=VALUE, as filters of objects are: since and until (a duration before now, or a time), kind, actor, object, outcome, policy, limit.
// Errc::usage for others.
Result<AuditFilter> parse_audit_filter(std::span<const std::string> arguments, Instant now);

// Whether a removal could be put on the journal: one is, and taken off again, on the disk. Errc::io says why not. Beside any purge.
Status check_journal(const std::string& state_dir);

// Beside any purge that is under way.
Status note(const std::string& state_dir, const Event& event);
// With the event that tells of it, both or neither.
Status begin_session(const std::string& state_dir, const Session& session, const Event& event);
Status end_session(const std::string& state_dir, const std::string& id, const Event& event);
// Without an end: the service that held their values was ended before.
Result<std::vector<Session>> open_sessions(const std::string& state_dir);

// Newest first. Errc::not_found where there is no journal yet, ::io where it cannot be read.
Result<std::vector<AuditEntry>> read_audit(const std::string& state_dir, const AuditFilter& filter);

// Takes away what was settled before `before`; what is open or owed stays.
Status forget_before(const std::string& state_dir, Instant before);

}  // namespace cleanerd::purge
