// The service's command line as plain values.
#pragma once

#include "service/daemon.hpp"

namespace CLI {
class App;
}

namespace cleanerd::daemon {

// Names the program and adds its options, which write into `options` when `app` parses; it must outlive that.
void add_options(CLI::App& app, service::DaemonOptions& options);

}  // namespace cleanerd::daemon
