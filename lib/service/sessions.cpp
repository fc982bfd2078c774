#include "service/sessions.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "purge/audit.hpp"

namespace cleanerd::service {
namespace {

using std::chrono::steady_clock;

constexpr std::size_t kMostSessions = 1000;
constexpr std::size_t kLongestName = 120;

Result<std::string> new_id() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return Error(Errc::io, "no random numbers are to be had");
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : bytes) (id += kDigits[byte >> 4]) += kDigits[byte & 15];
  return id;
}

std::string actor_of(uid_t user) { return "uid " + std::to_string(user); }

}  // namespace

Instant began_by_clock(Instant told, Duration open_for, Instant now) { return std::min(told, now - open_for); }

Job job_of(const EndedSession& session, const std::string& actor) {
  const SessionScope& scope = session.scope;
  return {.what = scope.dry_run ? What::plan : What::purge, .all = scope.all, .filters = scope.filters, .declared = session.declared,
          .since = session.info.began, .trigger = "session", .actor = actor};
}

Result<std::vector<SessionInfo>> Sessions::take_lost() {
  auto open = purge::open_sessions(state_dir_);
  if (!open) return std::move(open).error();
  std::vector<SessionInfo> lost;
  for (const purge::Session& session : *open) {
    if (is_open(session.id)) continue;
    const purge::Event event{"session-lost", session.actor, session.id, "lost", "the service ended before it did"};
    if (Status ended = purge::end_session(state_dir_, session.id, event); !ended) return std::move(ended).error();
    lost.push_back({session.id, session.name, 0, session.began, session.expires, 0});
  }
  return lost;
}

Result<SessionInfo> Sessions::begin(const std::string& name, DeclaredSecrets declared, Duration lifetime, uid_t owner, SessionScope scope) {
  auto id = new_id();
  if (!id) return std::move(id).error();
  const Instant now = system_now();
  SessionInfo info{*id, printable(name, kLongestName), owner, now, now + lifetime, declared.values.size() + declared.unsearchable.size()};
  {
    const std::lock_guard lock(mutex_);
    if (open_.size() >= kMostSessions) return Error(Errc::too_large, "there are " + std::to_string(kMostSessions) + " sessions already; end some");
    const auto began = steady_clock::now();
    open_.emplace(info.id, Open{{info, std::move(declared), std::move(scope)}, began, began + lifetime});
  }
  const std::string actor = actor_of(owner);
  if (Status written = purge::begin_session(state_dir_, {info.id, info.name, actor, info.began, info.expires}, {"session-begin", actor, info.id, "begun", info.name}); !written) {
    const std::lock_guard lock(mutex_);
    open_.erase(info.id);
    return std::move(written).error();
  }
  return info;
}

EndedSession Sessions::ended(Open open) {
  const auto open_for = std::chrono::duration_cast<Duration>(steady_clock::now() - open.began);
  open.session.info.began = began_by_clock(open.session.info.began, open_for, system_now());
  return std::move(open.session);
}

bool Sessions::is_open(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return open_.contains(id);
}

std::vector<SessionInfo> Sessions::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<SessionInfo> all;
  for (const auto& [id, one] : open_) all.push_back(one.session.info);
  return all;
}

std::vector<secrets::KnownValue> Sessions::values() const {
  const std::lock_guard lock(mutex_);
  std::vector<secrets::KnownValue> all;
  for (const auto& [id, one] : open_) all.insert(all.end(), one.session.declared.values.begin(), one.session.declared.values.end());
  return all;
}

Result<EndedSession> Sessions::take(const std::string& id, uid_t user) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  if (found == open_.end()) return Error(Errc::not_found, "there is no open session " + printable(id, 40) + "; `cleanerctl session list` shows them. What a session declared is known no more when it has "
                                                                        "expired or the service was started anew: `cleanerctl audit` tells");
  if (user != 0 && user != found->second.session.info.owner) return Error(Errc::permission, "session " + id + " is another user's");
  EndedSession session = ended(std::move(found->second));
  open_.erase(found);
  return session;
}

std::vector<EndedSession> Sessions::take_expired() {
  const std::lock_guard lock(mutex_);
  std::vector<EndedSession> expired;
  for (auto one = open_.begin(); one != open_.end();) {
    if (one->second.expires > steady_clock::now()) {
      ++one;
      continue;
    }
    expired.push_back(ended(std::move(one->second)));
    one = open_.erase(one);
  }
  return expired;
}

std::optional<steady_clock::time_point> Sessions::next_expiry() const {
  const std::lock_guard lock(mutex_);
  std::optional<steady_clock::time_point> next;
  for (const auto& [id, one] : open_)
    if (!next || one.expires < *next) next = one.expires;
  return next;
}

}  // namespace cleanerd::service
