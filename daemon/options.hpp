// The service's command line as plain values.
#pragma once

#include <string>

#include "service/daemon.hpp"

namespace CLI {
class App;
}

namespace cleanerd::daemon {

struct Options {
  service::DaemonOptions service;
  std::string log_level = "info";
};

// Names the program and adds its options, which write into `options` when `app` parses; it must outlive that.
void add_options(CLI::App& app, Options& options);

}  // namespace cleanerd::daemon
