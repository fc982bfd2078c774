#include "daemon/options.hpp"

#include <CLI/CLI.hpp>

#include "policy/policy.hpp"

namespace cleanerd::daemon {

void add_options(CLI::App& app, service::DaemonOptions& options) {
  app.name("cleanerd");
  app.description("Watches the builds of this host's Docker engine and removes the secrets that they leave.");
  app.set_version_flag("--version", "cleanerd " CLEANERD_VERSION);
  options.version = CLEANERD_VERSION;
  app.add_option("--config", options.config_file, "configuration file, instead of those in /etc/cleanerd")->type_name("FILE");
  app.add_option("--host", options.host, "the engine's socket (default: $DOCKER_HOST, else unix:///var/run/docker.sock)")->type_name("URL");
  app.add_option("--state-dir", options.state_dir, "where the journal lives (default: /var/lib/cleanerd)")->type_name("DIR");
  app.add_option("--socket", options.socket, "the control socket (default: /run/cleanerd/cleanerd.sock)")->type_name("PATH");
  app.add_option("--metrics", options.metrics_address, "where metrics and health are served (default: 127.0.0.1:9798)")->type_name("ADDR:PORT|off");
  app.add_option("--log-level", options.log_level, "what is logged (default: info)")->check(CLI::IsMember(policy::kLogLevels));
}

}  // namespace cleanerd::daemon
