// Commands that the service carries out, over its control socket (docs/control-api.yaml).
#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "base/result.hpp"
#include "cli/options.hpp"
#include "policy/policy.hpp"
#include "service/job.hpp"
#include "service/process.hpp"
#include "service/sessions.hpp"

namespace cleanerd::cli {

// The service at --socket, else the configuration's path. Errc::unreachable when none answers there.
class Remote {
 public:
  static Result<Remote> connect(const Options& options, const policy::Policy& policy, std::stop_token stop);
  Remote(Remote&&) noexcept;
  Remote& operator=(Remote&&) noexcept;
  ~Remote();

  // scan, plan, purge, verify, gate, explain and builds: progress to stderr, the result to where the options say.
  Result<ExitStatus> run(const Options& options, const service::DeclaredSecrets& declared, const service::Interruption& interruption);

  // The session's id.
  Result<std::string> begin_session(const std::string& name, std::optional<std::int64_t> lifetime_seconds, const service::DeclaredSecrets& declared,
                                    const service::SessionScope& scope = {});
  Result<ExitStatus> end_session(const Options& options, const std::string& id, const service::DeclaredSecrets& declared);

  // A JSON document: GET of this path.
  Result<std::string> get(const std::string& path);

 private:
  class Impl;
  explicit Remote(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What --daemon and --no-daemon say; else whether a service answers, and this command line asks for nothing that it has settled already
// (--host, --config). nullopt: the work is done in this process. An error where --daemon cannot be had.
Result<std::optional<Remote>> service_for(const Options& options, const policy::Policy& policy, std::stop_token stop);

Result<ExitStatus> session(const Options& options, const service::Interruption& interruption);
Result<ExitStatus> status(const Options& options, const service::Interruption& interruption);
Result<ExitStatus> audit(const Options& options, const service::Interruption& interruption);

}  // namespace cleanerd::cli
