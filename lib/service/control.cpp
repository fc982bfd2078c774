#include "service/control.hpp"

#include <grp.h>
#include <openssl/crypto.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "purge/audit.hpp"
#include "report/render.hpp"

namespace cleanerd::service {
namespace {

using nlohmann::json;

constexpr std::chrono::hours kLongestSession{24};
constexpr std::chrono::minutes kUsualSession{120};

std::string actor_of(const http::Request& request) { return request.peer ? "uid " + std::to_string(request.peer->uid) : "nobody"; }

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

// The document's secrets, which are taken out of it and wiped there.
Result<DeclaredSecrets> take_secrets(json& document) {
  DeclaredSecrets declared;
  const auto list = document.find("secrets");
  if (list == document.end()) return declared;
  if (!list->is_array()) return Error(Errc::usage, "'secrets' must be a list of {\"origin\", \"value\"}");
  bool wrong = false;
  for (json& one : *list) {
    auto* origin = one.is_object() && one.contains("origin") ? one["origin"].get_ptr<std::string*>() : nullptr;
    auto* value = one.is_object() && one.contains("value") ? one["value"].get_ptr<std::string*>() : nullptr;
    if (origin && value && !value->empty()) declared.add(*value, printable(*origin, 100));
    else wrong = true;
    if (value) ::OPENSSL_cleanse(value->data(), value->size());
  }
  document.erase("secrets");
  if (wrong) return Error(Errc::usage, "'secrets' must be a list of {\"origin\", \"value\"}");
  return declared;
}

Result<json> read_body(const http::Request& request) {
  if (request.body.empty()) return json::object();
  json document = json::parse(request.body.begin(), request.body.end(), nullptr, false);
  if (!document.is_object()) return Error(Errc::usage, "the body must be a JSON object");
  return document;
}

// What was given of another type is told; what is left over is, too.
class Fields {
 public:
  explicit Fields(json document) : document_(std::move(document)) {}

  template <class T>
  T take(const char* name, T otherwise) {
    const auto found = document_.find(name);
    if (found == document_.end()) return otherwise;
    T value = otherwise;
    try {
      value = found->get<T>();
    } catch (const json::exception&) {
      wrong_ = std::string("'") + name + "' has the wrong type";
    }
    document_.erase(name);
    return value;
  }
  Status end() const {
    if (!wrong_.empty()) return Error(Errc::usage, wrong_);
    if (!document_.empty()) return Error(Errc::usage, "unknown field '" + printable(document_.begin().key(), 60) + "'");
    return {};
  }

 private:
  json document_;
  std::string wrong_;
};

std::string line(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

// How the answer is to look; the text is made here, so that all clients show the same.
struct Form {
  std::string format = "json";
  bool colour = false;

  std::string render(const report::Document& document) const {
    if (format == "table") return report::render_table(document, colour ? report::Colour::yes : report::Colour::no);
    return format == "sarif" ? report::render_sarif(document) : report::render_json(document);
  }
  Status check() const {
    if (format == "table" || format == "json" || format == "sarif") return {};
    return Error(Errc::usage, "'format' must be table, json or sarif");
  }
};

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
    if (result) last["output"] = form.render(result->document);
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
        {"scan", What::scan}, {"plan", What::plan}, {"purge", What::purge}, {"verify", What::verify}, {"gate", What::gate}};
    const auto what = kJobs.find(request.capture("what"));
    if (what == kJobs.end()) return responder.message(404, "there is no such job; there are scan, plan, purge, verify and gate");
    if (what->second == What::purge && !may_purge(request, *worker_.policy())) {
      (void)purge::note(options_.state_dir, {"refused", actor_of(request), "purge", "permission", ""});
      return responder.message(403, "only root, and users whom the configuration names in control.may_purge, may purge");
    }
    auto document = read_body(request);
    if (!document) return refuse(responder, document.error());
    auto declared = take_secrets(*document);
    if (!declared) return refuse(responder, declared.error());
    Fields fields(std::move(*document));
    Job job{.what = what->second, .all = fields.take("all", false), .filters = fields.take("filters", std::vector<std::string>()),
            .images = fields.take("images", std::vector<std::string>()), .declared = std::move(*declared), .actor = actor_of(request)};
    const Form form{fields.take<std::string>("format", "json"), fields.take("colour", false)};
    if (Status good = fields.end(); !good) return refuse(responder, good.error());
    if (Status good = form.check(); !good) return refuse(responder, good.error());
    if (auto filter = plan::parse_filter(job.filters, system_now()); !filter) return refuse(responder, filter.error());
    const bool is_gate = job.what == What::gate;
    Stream stream(std::move(responder));
    auto result = worker_.run(std::move(job), Trigger::request, stream.stop(), stream.progress());
    if (is_gate && result && options_.on_gate) options_.on_gate(*result);
    stream.end(result, form);
  }

  void begin_session(http::Request request, http::Responder responder) {
    auto document = read_body(request);
    if (!document) return refuse(responder, document.error());
    auto declared = take_secrets(*document);
    if (!declared) return refuse(responder, declared.error());
    Fields fields(std::move(*document));
    const auto name = fields.take<std::string>("name", "");
    const auto seconds = std::chrono::seconds(fields.take<std::int64_t>("lifetime_seconds", std::chrono::seconds(kUsualSession).count()));
    if (Status good = fields.end(); !good) return refuse(responder, good.error());
    if (seconds < std::chrono::seconds(1) || seconds > kLongestSession) return responder.message(400, "'lifetime_seconds' must be between 1 and 86400");
    auto session = sessions_.begin(name, std::move(*declared), seconds, request.peer ? request.peer->uid : ::geteuid());
    if (!session) return refuse(responder, session.error());
    (void)purge::note(options_.state_dir, {"session-begin", actor_of(request), session->id, "begun", session->name});
    responder.json(201, describe(*session).dump());
  }

  void end_session(http::Request request, http::Responder responder) {
    auto document = read_body(request);
    if (!document) return refuse(responder, document.error());
    auto declared = take_secrets(*document);
    if (!declared) return refuse(responder, declared.error());
    Fields fields(std::move(*document));
    const Form form{fields.take<std::string>("format", "json"), fields.take("colour", false)};
    if (Status good = fields.end(); !good) return refuse(responder, good.error());
    if (Status good = form.check(); !good) return refuse(responder, good.error());
    auto session = sessions_.take(request.capture("id"), request.peer ? request.peer->uid : ::geteuid());
    if (!session) return refuse(responder, session.error());
    for (auto& value : declared->values) session->declared.values.push_back(std::move(value));
    Stream stream(std::move(responder));
    // The purge goes on when the client has gone: the agent may be killed right after its job.
    auto result = close(*session, actor_of(request), stream.progress());
    stream.end(result, form);
  }

  Result<JobResult> close(const EndedSession& session, const std::string& actor, const Progress& progress) {
    Job job{.what = What::purge, .declared = session.declared, .since = session.info.began, .trigger = "session", .actor = actor};
    auto result = worker_.run(std::move(job), Trigger::session, {}, progress);
    if (result) result->document.command = "session";
    const char* outcome = !result || result->error ? "failed" : result->status == ExitStatus::secrets ? "secrets" : "done";
    (void)purge::note(options_.state_dir, {"session-end", actor, session.info.id, outcome, session.info.name});
    (void)purge::end_session(options_.state_dir, session.info.id);
    return result;
  }

  void list_sessions(http::Request, http::Responder responder) {
    json all = json::array();
    for (const SessionInfo& session : sessions_.list()) all.push_back(describe(session));
    responder.json(200, json{{"sessions", all}}.dump());
  }

  void audit(http::Request request, http::Responder responder) {
    auto filter = audit_filter(request.query);
    if (!filter) return refuse(responder, filter.error());
    auto entries = purge::read_audit(options_.state_dir, *filter);
    if (!entries && entries.error().code() != Errc::not_found) return refuse(responder, entries.error());
    responder.json(200, report::render_audit_json(entries ? *entries : std::vector<purge::AuditEntry>()));
  }

  void status(http::Request, http::Responder responder) { responder.json(200, options_.status()); }
  void builds(http::Request, http::Responder responder) {
    auto told = options_.builds();
    if (!told) return refuse(responder, told.error());
    responder.json(200, std::move(*told));
  }

 private:
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
