#include "service/control.hpp"

#include <grp.h>
#include <pwd.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "purge/audit.hpp"
#include "report/render.hpp"
#include "service/requests.hpp"

namespace cleanerd::service {
namespace {

using nlohmann::json;

std::string actor_of(const http::Request& request) { return request.peer ? "uid " + std::to_string(request.peer->uid) : "nobody"; }

std::string_view body_of(const http::Request& request) { return {request.body.data(), request.body.size()}; }

// By name or number.
bool is_user(const std::string& who, uid_t user) {
  if (who == std::to_string(user)) return true;
  passwd entry{};
  passwd* found = nullptr;
  std::string buffer(16 << 10, '\0');
  return ::getpwnam_r(who.c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 && found && found->pw_uid == user;
}

bool may_purge(const http::Request& request, const policy::Policy& policy) {
  if (!request.peer) return false;
  const uid_t user = request.peer->uid;
  return user == 0 || user == ::geteuid() || std::ranges::any_of(policy.may_purge, [&](const std::string& who) { return is_user(who, user); });
}

unsigned http_status(Errc code) {
  switch (code) {
    case Errc::usage:
    case Errc::config: return 400;
    case Errc::permission: return 403;
    case Errc::not_found: return 404;
    case Errc::conflict: return 409;
    case Errc::too_large: return 429;
    case Errc::unreachable:
    case Errc::timeout: return 502;
    default: return 500;
  }
}

void refuse(http::Responder& responder, const Error& error) { responder.message(http_status(error.code()), error.message()); }

const char* outcome_of(const Result<JobResult>& result) {
  return !result || result->error ? "failed" : result->status == ExitStatus::secrets ? "secrets" : "done";
}

// Nothing that somebody named: it may be a secret by mistake.
std::string conclusion_of(const Result<JobResult>& result) {
  if (!result) return "exit status " + std::to_string(static_cast<int>(exit_status(result.error().code())));
  const report::Summary& summary = result->document.summary;
  const std::size_t unread = result->document.unread.size();
  return plural(summary.objects, "object") + ", " + std::to_string(summary.secret_objects) + " with secrets" +
         (unread == 0 ? std::string() : ", " + plural(unread, "place") + " not read");
}

// The images that a gate was asked about, by their ids.
std::string subject_of(const Result<JobResult>& result) {
  if (!result) return {};
  std::string ids;
  for (const report::ObjectRow& row : result->document.objects) ids += (ids.empty() ? "" : " ") + row.id;
  return ids.size() <= 2000 ? ids : ids.substr(0, ids.find(' ', 2000)) + " …";
}

std::string line(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

// The text is made here, so that all clients show the same.
std::string render(const JobResult& result, const Form& form) {
  return render(result, form.format, form.colour ? report::Colour::yes : report::Colour::no);
}

// Lines {"step"}, {"bytes"}, {"removed": [done, total]} as the job goes on, then {"status", "output"} and, where something went wrong,
// "error" and its "code".
class Stream {
 public:
  explicit Stream(http::Responder responder) : responder_(std::move(responder)) { responder_.begin(200, "application/x-ndjson"); }

  Progress progress() {
    return {.step = [this](const std::string& step) { write({{"step", step}}); },
            .bytes = [this](std::uint64_t bytes) { write({{"bytes", bytes}}); },
            .removed = [this](std::size_t done, std::size_t total) { write({{"removed", {done, total}}}); }};
  }
  std::stop_token stop() const { return responder_.stop(); }

  void end(const Result<JobResult>& result, const Form& form) {
    json last;
    const Error* error = !result ? &result.error() : result->error ? &*result->error : nullptr;
    last["status"] = static_cast<int>(result ? result->status : exit_status(result.error().code()));
    if (result) last["output"] = render(*result, form);
    if (result) last["planned"] = result->document.summary.planned;
    if (error) last["error"] = printable(error->message(), 2000);
    if (error) last["status"] = static_cast<int>(exit_status(error->code()));
    write(last);
    responder_.end();
  }

 private:
  void write(const json& document) {
    const std::lock_guard lock(mutex_);  // bytes are told by several threads
    responder_.write(line(document));
  }
  http::Responder responder_;
  std::mutex mutex_;
};

class Control {
 public:
  Control(Worker& worker, Sessions& sessions, ControlOptions options) : worker_(worker), sessions_(sessions), options_(std::move(options)) {}

  void job(http::Request request, http::Responder responder) {
    static const std::map<std::string, What> kJobs{
        {"scan", What::scan}, {"plan", What::plan}, {"purge", What::purge}, {"verify", What::verify}, {"gate", What::gate},
        {"explain", What::explain}, {"builds", What::builds}};
    const auto what = kJobs.find(request.capture("what"));
    if (what == kJobs.end()) return responder.message(404, "there is no such job; there are scan, plan, purge, verify, gate, explain and builds");
    if (what->second == What::purge && !may_purge(request, *worker_.policy())) return refuse_purge(request, responder);
    auto asked = parse_job_request(body_of(request), system_now());
    if (!asked) return refuse(responder, asked.error());
    Job job{.what = what->second, .all = asked->all, .filters = std::move(asked->filters), .images = std::move(asked->images),
            .object = std::move(asked->object), .declared = std::move(asked->declared), .actor = actor_of(request)};
    Stream stream(std::move(responder));
    auto result = worker_.run(std::move(job), Trigger::request, stream.stop(), stream.progress());
    if (what->second == What::gate && options_.on_gate) options_.on_gate(result);
    // A scan decides nothing, and what a purge decides is on the journal as its removals.
    if (what->second == What::plan || what->second == What::verify || what->second == What::gate)
      note({what->first, actor_of(request), what->second == What::gate ? subject_of(result) : std::string(), outcome_of(result), conclusion_of(result)});
    stream.end(result, asked->form);
  }

  void begin_session(http::Request request, http::Responder responder) {
    auto asked = parse_session_request(body_of(request), system_now());
    if (!asked) return refuse(responder, asked.error());
    // More than what the policy takes.
    if (asked->scope.all && !asked->scope.dry_run && !may_purge(request, *worker_.policy())) return refuse_purge(request, responder);
    const std::string name = asked->declared.without_secrets(asked->name);
    const bool declares = !asked->declared.values.empty();
    auto session = sessions_.begin(name, std::move(asked->declared), asked->lifetime, request.peer ? request.peer->uid : ::geteuid(), std::move(asked->scope));
    if (!session) return refuse(responder, session.error());
    if (declares) worker_.prepare_for_end();
    responder.json(201, describe(*session).dump());
  }

  void end_session(http::Request request, http::Responder responder) {
    auto asked = parse_end_request(body_of(request));
    if (!asked) return refuse(responder, asked.error());
    auto session = sessions_.take(request.capture("id"), request.peer ? request.peer->uid : ::geteuid());
    if (!session) {
      if (session.error().code() == Errc::permission)
        note({"refused", actor_of(request), printable(request.capture("id"), 40), "permission", "another user's session"});
      return refuse(responder, session.error());
    }
    for (auto& value : asked->declared.values) session->declared.values.push_back(std::move(value));
    for (auto& origin : asked->declared.unsearchable)
      if (auto& all = session->declared.unsearchable; std::ranges::find(all, origin) == all.end()) all.push_back(std::move(origin));
    Stream stream(std::move(responder));
    // The purge goes on when the client has gone: the agent may be killed right after its job.
    auto result = close(*session, actor_of(request), stream.progress());
    stream.end(result, asked->form);
  }

  Result<JobResult> close(const EndedSession& session, const std::string& actor, const Progress& progress) {
    auto result = worker_.run(job_of(session, actor), Trigger::session, {}, progress);
    if (result) result->document.command = session.scope.command == "session" ? "session end" : session.scope.command;
    const purge::Event event{"session-end", actor, session.info.id, outcome_of(result), session.info.name};
    if (Status noted = purge::end_session(options_.state_dir, session.info.id, event); !noted) not_on_the_audit(event, noted);
    return result;
  }

  void list_sessions(http::Request, http::Responder responder) {
    json all = json::array();
    for (const SessionInfo& session : sessions_.list()) all.push_back(describe(session));
    responder.json(200, json{{"schema", "cleaner.v1"}, {"command", "session list"}, {"sessions", all}}.dump());
  }

  void audit(http::Request request, http::Responder responder) {
    auto filter = audit_filter(request.query);
    if (!filter) return refuse(responder, filter.error());
    auto entries = purge::read_audit(options_.state_dir, *filter);
    if (!entries && entries.error().code() != Errc::not_found) return refuse(responder, entries.error());
    responder.json(200, report::render_audit_json(entries ? *entries : std::vector<purge::AuditEntry>()));
  }

  void status(http::Request, http::Responder responder) { responder.json(200, options_.status()); }
  void builds(http::Request request, http::Responder responder) {
    auto result = worker_.run({.what = What::builds, .actor = actor_of(request)}, Trigger::request, responder.stop(), {});
    if (!result) return refuse(responder, result.error());
    responder.json(200, render(*result, {}));
  }

 private:
  void refuse_purge(const http::Request& request, http::Responder& responder) const {
    note({"refused", actor_of(request), "purge", "permission", ""});
    responder.message(403, "only root, and users whom the configuration names in control.may_purge, may purge");
  }
  void note(const purge::Event& event) const {
    if (Status noted = purge::note(options_.state_dir, event); !noted) not_on_the_audit(event, noted);
  }
  static void not_on_the_audit(const purge::Event& event, const Status& why) {
    spdlog::warn("{} is not on the audit: {}", event.kind, printable(why.error().message(), 300));
  }

  static json describe(const SessionInfo& session) {
    return {{"id", session.id}, {"name", session.name}, {"owner", session.owner}, {"began_at", format_rfc3339(session.began)},
            {"expires_at", format_rfc3339(session.expires)}, {"secrets", session.secrets}};
  }

  static Result<purge::AuditFilter> audit_filter(const http::Parameters& query) {
    std::vector<std::string> pairs;
    for (const auto& [name, value] : query) pairs.push_back(name + "=" + value);
    return purge::parse_audit_filter(pairs, system_now());
  }

  Worker& worker_;
  Sessions& sessions_;
  ControlOptions options_;
};

}  // namespace

void add_control_routes(http::Router& router, Worker& worker, Sessions& sessions, ControlOptions options) {
  const auto control = std::make_shared<Control>(worker, sessions, std::move(options));
  const auto to = [&](auto member) {
    return [control, member](http::Request request, http::Responder responder) { ((*control).*member)(std::move(request), std::move(responder)); };
  };
  router.add("GET", "/v1/status", to(&Control::status), http::Work::quick);
  router.add("GET", "/v1/builds", to(&Control::builds));
  router.add("GET", "/v1/audit", to(&Control::audit));
  router.add("GET", "/v1/sessions", to(&Control::list_sessions), http::Work::quick);
  router.add("POST", "/v1/sessions", to(&Control::begin_session));
  router.add("POST", "/v1/sessions/{id}/end", to(&Control::end_session));
  router.add("POST", "/v1/jobs/{what}", to(&Control::job));
}

}  // namespace cleanerd::service
