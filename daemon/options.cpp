#include "daemon/options.hpp"

#include <CLI/CLI.hpp>

namespace cleanerd::daemon {

void add_options(CLI::App& app, Options& options) {
  app.name("cleanerd");
  app.description("Removes the secrets that Docker builds leave on this host, at start and at every interval.");
  app.set_version_flag("--version", "cleanerd " CLEANERD_VERSION);
  app.add_option("--config", options.config_file, "configuration file, instead of those in /etc/cleanerd")->type_name("FILE");
  app.add_option("--host", options.host, "the engine's socket (default: $DOCKER_HOST, else unix:///var/run/docker.sock)")->type_name("URL");
  app.add_option("--state-dir", options.state_dir, "where the journal lives (default: /var/lib/cleanerd)")->type_name("DIR");
  app.add_option("--log-level", options.log_level, "what is logged")->check(CLI::IsMember({"error", "warn", "info", "debug", "trace"}))->capture_default_str();
}

}  // namespace cleanerd::daemon
