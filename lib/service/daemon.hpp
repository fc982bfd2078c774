// The service: triggers, the worker, sessions, the control API, metrics and systemd's notifications, wired together.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "policy/policy.hpp"

namespace cleanerd::service {

struct DaemonOptions {
  std::string config_file, host, version;
  // Before the configuration's.
  std::optional<std::string> state_dir, socket, metrics_address, log_level;
};

// Until SIGINT or SIGTERM. Errc::config and ::usage for a configuration or options that cannot be used, Errc::conflict where another service answers on the
// socket, Errc::io where the socket or the metrics' address cannot be had.
Status run_daemon(const DaemonOptions& options);

}  // namespace cleanerd::service
