#include "cli/commands.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/builds.hpp"
#include "cli/local.hpp"
#include "cli/output.hpp"
#include "cli/policy.hpp"
#include "cli/remote.hpp"
#include "cli/completion.hpp"
#include "cli/secret_input.hpp"
#include "cli/wrap.hpp"
#include "service/setup.hpp"

namespace cleanerd::cli {
namespace {

Result<ExitStatus> version(const Options& options, const service::Interruption& interruption) {
  auto policy = service::load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  auto host = service::connect_engine(options.host, *policy, interruption.token());
  const bool json = options.format == Format::json;
  nlohmann::ordered_json document{{"schema", "cleaner.v1"}, {"command", "version"}, {"version", CLEANERD_VERSION}, {"engine", nullptr}};
  std::string text = "cleanerctl " CLEANERD_VERSION "\n";
  if (host) {
    const engine::EngineInfo& info = host->client.engine();
    const char* store = info.store == engine::ImageStore::graphdriver ? "graphdriver" : "containerd";
    document["engine"] = {{"version", info.version}, {"api_version", engine::to_string(info.api)}, {"store", store},
                          {"storage_driver", info.storage_driver}, {"data_root", info.data_root}};
    text += "Docker Engine " + info.version + ", API " + engine::to_string(info.api) + ", " + store + " image store (" + printable(info.storage_driver, 40) + ")\n";
  }
  if (Status written = write_result(options, json ? document.dump(2) + "\n" : text); !written) return std::move(written).error();
  if (!host) return std::move(host).error();
  return ExitStatus::done;
}

}  // namespace

Result<ExitStatus> run_command(const Options& options, const service::Interruption& interruption) {
  switch (options.command) {
    case Command::version: return version(options, interruption);
    case Command::scrub: return scrub_host(options, interruption);
    case Command::run: return wrap(options, interruption);
    case Command::session_begin:
    case Command::session_end:
    case Command::session_list: return session(options, interruption);
    case Command::status: return status(options, interruption);
    case Command::audit: return audit(options, interruption);
    case Command::completion:
      if (Status written = write_result(options, completion_script(options.shell)); !written) return std::move(written).error();
      return ExitStatus::done;
    case Command::policy_check:
    case Command::policy_show: return policy_command(options, [&](const std::string& text) { return write_result(options, text); });
    default: break;
  }
  if (options.command == Command::builds && options.follow) return follow_builds(options, interruption);
  if (options.command == Command::purge && !options.force && !options.dry_run && !(is_terminal(STDIN_FILENO) && is_terminal(STDERR_FILENO)))
    return Error(Errc::usage, "without a terminal to ask on, purge needs --force (or --dry-run)");
  auto declared = read_declared(options);
  if (!declared) return std::move(declared).error();
  auto policy = service::load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  auto service = service_for(options, *policy, interruption.token());
  if (!service) return std::move(service).error();
  if (*service) return (*service)->run(options, *declared, interruption);
  return run_local(options, *policy, std::move(*declared), interruption);
}

}  // namespace cleanerd::cli
