// Jobs of a pipeline, from their first hook to their last, with the secrets that they declared.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "service/job.hpp"

namespace cleanerd::service {

struct SessionInfo {
  std::string id;    // 32 hex digits
  std::string name;  // the pipeline's own, for people
  uid_t owner = 0;
  Instant began, expires;
  std::size_t secrets = 0;
};

// What its end does.
struct SessionScope {
  std::string command = "session";  // or run: what its document is called
  bool all = false;                 // as a job's
  bool dry_run = false;             // a plan instead of a purge
  std::vector<std::string> filters{};
};

struct EndedSession {
  SessionInfo info;
  DeclaredSecrets declared;
  SessionScope scope{};
};

// When a session began that has been open for so long: what came since counts, also where the clock has been set back meanwhile.
Instant began_by_clock(Instant told, Duration open_for, Instant now);

// The purge (or plan) at its end.
Job job_of(const EndedSession& session, const std::string& actor);

// Declared values are here alone, in memory; the journal knows that a session was there. Any thread.
class Sessions {
 public:
  explicit Sessions(std::string state_dir) : state_dir_(std::move(state_dir)) {}

  // Those that an earlier process of the service left open: their values are lost. They are closed in the journal. Errc::io when it
  // cannot be written.
  Result<std::vector<SessionInfo>> take_lost();

  // Errc::io when the journal cannot be written, ::too_large beyond 1000 sessions.
  Result<SessionInfo> begin(const std::string& name, DeclaredSecrets declared, Duration lifetime, uid_t owner, SessionScope scope = {});
  std::vector<SessionInfo> list() const;
  // Every open session's values: each look searches for all of them.
  std::vector<secrets::KnownValue> values() const;

  // Takes it out. Errc::not_found, or ::permission where it is another user's.
  Result<EndedSession> take(const std::string& id, uid_t user);
  std::vector<EndedSession> take_expired();
  std::optional<std::chrono::steady_clock::time_point> next_expiry() const;

 private:
  bool is_open(const std::string& id) const;

  struct Open {
    EndedSession session;
    std::chrono::steady_clock::time_point began, expires;
  };
  static EndedSession ended(Open open);
  std::string state_dir_;
  mutable std::mutex mutex_;
  std::map<std::string, Open> open_;
};

}  // namespace cleanerd::service
