#include "cli/remote.hpp"

#include <openssl/crypto.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/local.hpp"
#include "cli/output.hpp"
#include "engine/http.hpp"
#include "engine/json_stream.hpp"
#include "match/codec.hpp"

namespace cleanerd::cli {
namespace {

using engine::HttpRequest;
using engine::HttpResponse;
using engine::Method;
using nlohmann::json;

constexpr std::chrono::seconds kAnswer{10};
constexpr std::chrono::hours kJob{24};

const char* name_of(Command command) {
  switch (command) {
    case Command::plan: return "plan";
    case Command::purge: return "purge";
    case Command::verify: return "verify";
    case Command::gate: return "gate";
    case Command::explain: return "explain";
    case Command::builds: return "builds";
    default: return "scan";
  }
}

// Holds secrets: wiped when it goes.
struct Body {
  explicit Body(json document) : text(document.dump(-1, ' ', false, json::error_handler_t::replace)) {
    for (json& secret : document["secrets"])
      for (const char* key : {"value", "value_base64"})
        if (auto* value = secret.contains(key) ? secret[key].get_ptr<std::string*>() : nullptr) ::OPENSSL_cleanse(value->data(), value->size());
  }
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;
  ~Body() { ::OPENSSL_cleanse(text.data(), text.size()); }
  std::string text;
};

// The service says itself that they were declared.
std::string bare(std::string_view origin) {
  constexpr std::string_view kDeclared = "declared (";
  if (!origin.starts_with(kDeclared) || !origin.ends_with(')')) return std::string(origin);
  return std::string(origin.substr(kDeclared.size(), origin.size() - kDeclared.size() - 1));
}

json secrets_of(const service::DeclaredSecrets& declared) {
  json list = json::array();
  for (const auto& known : declared.values) {
    const std::string_view value = known.value.reveal();
    // JSON knows only text, and a key store's bytes are none.
    const bool is_ascii = std::ranges::none_of(value, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
    list.push_back({{"origin", bare(known.origin)}});
    if (is_ascii) list.back()["value"] = std::string(value);
    else list.back()["value_base64"] = match::base64_encode(value, match::Base64::padded);
  }
  for (const std::string& origin : declared.unsearchable) list.push_back({{"origin", origin}});
  return list;
}

Error answer_error(HttpResponse& response) {
  std::string message = "it answered " + std::to_string(response.status());
  if (auto document = engine::read_document(response); document && document->is_object() && document->contains("message") && (*document)["message"].is_string())
    message = printable((*document)["message"].get<std::string>(), 1000);
  const unsigned status = response.status();
  if (status == 413) message = "more was declared than the service takes at once (1 MiB); --no-daemon has no such limit";
  const Errc code = status == 400 ? Errc::usage : status == 404 ? Errc::not_found : status == 502 || status == 503 ? Errc::unreachable : Errc::engine;
  return Error(code, message);
}

}  // namespace

class Remote::Impl {
 public:
  Impl(const std::string& path, std::stop_token stop) : socket(path), http(engine::Endpoint{path}, std::move(stop)) {}

  Result<HttpResponse> send(const HttpRequest& request) {
    auto response = http.send(request);
    if (!response) {
      if (response.error().code() == Errc::cancelled) return Error(Errc::cancelled, "interrupted");
      if (response.error().code() == Errc::permission)
        return Error(Errc::permission, "no permission on the service's socket " + socket + "; members of the group cleanerd may use it");
      return Error(Errc::unreachable, "the service does not answer on " + socket + "; is cleanerd running?");
    }
    if (response->status() / 100 != 2) return answer_error(*response);
    return response;
  }

  // The lines of a job's answer: progress, then the result, which is the last.
  Result<json> follow(const Options& options, const HttpRequest& request) {
    ProgressLine shown(options);
    const service::Progress progress = progress_on(shown);
    auto response = send(request);
    if (!response) return std::move(response).error();
    std::string pending;
    for (;;) {
      auto piece = response->next();
      if (!piece && piece.error().code() == Errc::cancelled) return Error(Errc::cancelled, "interrupted; the service ends what it was doing");
      if (!piece || piece->empty()) break;
      pending += *piece;
      for (std::size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1)) {
        const json line = json::parse(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
        if (!line.is_object()) continue;
        if (line.contains("status")) {
          shown.clear();
          return line;
        }
        if (line.contains("step") && line["step"].is_string()) progress.step(line["step"].get<std::string>());
        if (line.contains("bytes") && line["bytes"].is_number_unsigned()) progress.bytes(line["bytes"].get<std::uint64_t>());
        if (const auto removed = line.find("removed"); removed != line.end() && removed->is_array() && removed->size() == 2)
          progress.removed(removed->at(0).get<std::size_t>(), removed->at(1).get<std::size_t>());
      }
    }
    return Error(Errc::unreachable, "the service ended before its answer was complete; `cleanerctl audit` tells what was done");
  }

  Result<ExitStatus> carry_out(const Options& options, const HttpRequest& request) {
    auto last = follow(options, request);
    if (!last) return std::move(last).error();
    return finish(options, *last);
  }

  static Result<ExitStatus> finish(const Options& options, const json& line) {
    const std::string output = line.value("output", "");
    if (is_wanted(options) && !output.empty())
      if (Status written = write_result(options, output); !written) return std::move(written).error();
    if (line.contains("error")) std::cerr << "cleanerctl: " << printable(line.value("error", ""), 2000) << "\n";
    return static_cast<ExitStatus>(line.value("status", 1));
  }

  std::string socket;
  engine::HttpClient http;
};

Remote::Remote(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Remote::Remote(Remote&&) noexcept = default;
Remote& Remote::operator=(Remote&&) noexcept = default;
Remote::~Remote() = default;

Result<Remote> Remote::connect(const Options& options, const policy::Policy& policy, std::stop_token stop) {
  Remote remote(std::make_unique<Impl>(options.socket.empty() ? policy.control_socket : options.socket, std::move(stop)));
  if (auto status = remote.get("/v1/status"); !status) return std::move(status).error();
  return remote;
}

Result<std::string> Remote::get(const std::string& path) {
  auto response = impl_->send({.method = Method::get, .target = path, .deadline = kAnswer});
  if (!response) return std::move(response).error();
  std::string text;
  for (;;) {
    auto piece = response->next();
    if (!piece) return Error(Errc::unreachable, "the service on " + impl_->socket + " did not answer to the end");
    if (piece->empty()) return text;
    text += *piece;
  }
}

Result<ExitStatus> Remote::run(const Options& options, const service::DeclaredSecrets& declared, const service::Interruption& interruption) {
  const auto job = [&](bool coloured, Format format) {
    return json{{"all", options.all}, {"filters", options.filters}, {"images", options.images}, {"object", options.object}, {"secrets", secrets_of(declared)},
                {"format", to_string(format)}, {"colour", coloured}};
  };
  const auto request = [](const char* what, const Body& body) {
    return HttpRequest{.method = Method::post, .target = std::string("/v1/jobs/") + what, .deadline = kJob, .json = body.text, .live = true};
  };
  if (options.command == Command::purge && !options.dry_run && !options.force) {
    const Body body(job(false, Format::table));
    auto plan = impl_->follow(options, request("plan", body));
    if (!plan) return std::move(plan).error();
    if (!plan->contains("output")) return Impl::finish(options, *plan);
    if (const auto planned = plan->value("planned", std::size_t(0)); planned != 0) {
      std::cerr << plan->value("output", "");
      if (!person_agrees(planned, interruption)) return Error(Errc::cancelled, "nothing was removed");
    }
  }
  const Body body(job(colour(options) == report::Colour::yes, options.format));
  return impl_->carry_out(options, request(options.dry_run ? "plan" : name_of(options.command), body));
}

Result<std::string> Remote::begin_session(const std::string& name, std::optional<std::int64_t> lifetime, const service::DeclaredSecrets& declared,
                                          const service::SessionScope& scope) {
  json document{{"name", name}, {"secrets", secrets_of(declared)}, {"command", scope.command}, {"all", scope.all}, {"dry_run", scope.dry_run},
                {"filters", scope.filters}};
  if (lifetime) document["lifetime_seconds"] = *lifetime;
  const Body body(std::move(document));
  auto response = impl_->send({.method = Method::post, .target = "/v1/sessions", .deadline = kAnswer, .json = body.text});
  if (!response) return std::move(response).error();
  auto answer = engine::read_document(*response);
  if (!answer || !answer->is_object() || !answer->contains("id") || !(*answer)["id"].is_string())
    return Error(Errc::protocol, "the service's answer is not what its API promises");
  return (*answer)["id"].get<std::string>();
}

Result<ExitStatus> Remote::end_session(const Options& options, const std::string& id, const service::DeclaredSecrets& declared) {
  const Body body(json{{"secrets", secrets_of(declared)}, {"format", to_string(options.format)}, {"colour", colour(options) == report::Colour::yes}});
  return impl_->carry_out(options, {.method = Method::post, .target = "/v1/sessions/" + engine::percent_encode(id) + "/end", .deadline = kJob, .json = body.text, .live = true});
}

Result<std::optional<Remote>> service_for(const Options& options, const policy::Policy& policy, std::stop_token stop) {
  using Choice = Options::Daemon;
  if (options.daemon == Choice::no) return std::optional<Remote>();
  // Whoever names an engine means that one, and not the service's.
  const char* const engine = std::getenv("DOCKER_HOST");
  const bool settled = !options.host.empty() || !options.config_file.empty() || (engine && *engine);
  if (options.daemon == Choice::if_there && (settled || ::access((options.socket.empty() ? policy.control_socket : options.socket).c_str(), R_OK | W_OK) != 0))
    return std::optional<Remote>();
  auto remote = Remote::connect(options, policy, std::move(stop));
  if (remote) return std::optional<Remote>(std::move(*remote));
  if (options.daemon == Choice::yes) return std::move(remote).error();
  return std::optional<Remote>();
}

}  // namespace cleanerd::cli
