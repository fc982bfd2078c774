// session, status and audit: what the service keeps.
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/output.hpp"
#include "cli/remote.hpp"
#include "cli/secret_input.hpp"
#include "engine/http.hpp"
#include "purge/audit.hpp"
#include "service/setup.hpp"

namespace cleanerd::cli {
namespace {

using nlohmann::json;

Result<Remote> connect(const Options& options, const service::Interruption& interruption) {
  auto policy = service::load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  return Remote::connect(options, *policy, interruption.token());
}

std::string sessions_table(const json& sessions) {
  if (sessions.empty()) return "No session is open.\n";
  std::string out = "ID                                BEGAN                     EXPIRES                   SECRETS  NAME\n";
  for (const json& one : sessions) {
    const std::string secrets = std::to_string(one.value("secrets", 0));
    out += one.value("id", "") + "  " + one.value("began_at", "") + "  " + one.value("expires_at", "") + "  " + secrets +
           std::string(9 - std::min<std::size_t>(secrets.size(), 8), ' ') + printable(one.value("name", ""), 120) + "\n";
  }
  return out;
}

std::string status_table(const json& status) {
  return "cleanerd " + status.value("version", "") + ", since " + status.value("started_at", "") + "\n" +
         (status.value("engine_up", false) ? "The engine answers" : "The engine does not answer") + "; " +
         (status.value("journal_writable", true) ? "" : "the audit journal cannot be written, so nothing is removed; ") +
         (status.value("ready", false) ? "ready" : "not ready") + (status.value("busy", false) ? ", at work" : "") + ".\n" +
         plural(static_cast<std::size_t>(std::max(0, status.value("sessions", 0))), "session") + " open.\n";
}

// Without the service, as whoever may read its state directory.
Result<std::vector<purge::AuditEntry>> read_here(const std::string& state_dir, const purge::AuditFilter& filter) {
  auto entries = purge::read_audit(state_dir, filter);
  if (!entries && entries.error().code() == Errc::not_found) return std::vector<purge::AuditEntry>();
  return entries;
}

// What the service has, which may be another state directory's. Whoever may use its socket may look.
Result<std::vector<purge::AuditEntry>> read_there(Remote& remote, const std::vector<std::string>& filters) {
  std::string query;
  for (const std::string& one : filters) {
    const auto equals = one.find('=');
    query += (query.empty() ? "?" : "&") + engine::percent_encode(one.substr(0, equals)) + "=" + engine::percent_encode(one.substr(equals + 1));
  }
  auto answer = remote.get("/v1/audit" + query);
  if (!answer) return std::move(answer).error();
  const json document = json::parse(*answer, nullptr, false);
  if (!document.is_object() || !document.contains("entries") || !document["entries"].is_array())
    return Error(Errc::protocol, "the service's answer is not what its API promises");
  std::vector<purge::AuditEntry> entries;
  for (const json& one : document["entries"]) {
    if (!one.is_object()) continue;
    const auto text = [&](const char* key) { return one.contains(key) && one[key].is_string() ? one[key].get<std::string>() : std::string(); };
    entries.push_back({text("time"), text("kind"), text("actor"), text("trigger"), text("policy"), text("object"), text("outcome"), text("reason"), text("settled_at")});
  }
  return entries;
}

}  // namespace

Result<ExitStatus> session(const Options& options, const service::Interruption& interruption) {
  auto declared = read_declared(options);
  if (!declared) return std::move(declared).error();
  auto remote = connect(options, interruption);
  if (!remote) return std::move(remote).error();
  if (options.command == Command::session_end) return remote->end_session(options, options.object, *declared);
  std::string text;
  if (options.command == Command::session_begin) {
    // The others are looked for; the end tells that this one was not.
    for (const inventory::Unread& one : declared->unread()) std::cerr << "cleanerctl: " << one.place << " is " << one.reason << "\n";
    auto id = remote->begin_session(options.name, options.lifetime_seconds, *declared);
    if (!id) return std::move(id).error();
    text = options.format == Format::json ? json{{"schema", "cleaner.v1"}, {"command", "session begin"}, {"id", *id}}.dump() + "\n" : *id + "\n";
  } else {
    auto answer = remote->get("/v1/sessions");
    if (!answer) return std::move(answer).error();
    const json sessions = json::parse(*answer, nullptr, false);
    text = options.format == Format::json ? *answer + "\n" : sessions_table(sessions.is_object() ? sessions.value("sessions", json::array()) : json::array());
  }
  if (Status written = write_result(options, text); !written) return std::move(written).error();
  return ExitStatus::done;
}

Result<ExitStatus> status(const Options& options, const service::Interruption& interruption) {
  auto remote = connect(options, interruption);
  if (!remote) return std::move(remote).error();
  auto answer = remote->get("/v1/status");
  if (!answer) return std::move(answer).error();
  const json status = json::parse(*answer, nullptr, false);
  if (Status written = write_result(options, options.format == Format::json || !status.is_object() ? *answer + "\n" : status_table(status)); !written)
    return std::move(written).error();
  return ExitStatus::done;
}

Result<ExitStatus> audit(const Options& options, const service::Interruption& interruption) {
  auto policy = service::load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  auto filter = purge::parse_audit_filter(options.filters, system_now());
  if (!filter) return std::move(filter).error().within("--filter");
  auto remote = service_for(options, *policy, interruption.token());
  if (!remote) return std::move(remote).error();
  auto entries = *remote ? read_there(**remote, options.filters) : read_here(service::state_dir(*policy), *filter);
  if (!entries) return std::move(entries).error();
  if (Status written = write_result(options, options.format == Format::json ? report::render_audit_json(*entries) : report::render_audit(*entries)); !written)
    return std::move(written).error();
  return ExitStatus::done;
}

}  // namespace cleanerd::cli
