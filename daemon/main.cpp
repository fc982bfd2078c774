#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "daemon/options.hpp"
#include "service/daemon.hpp"
#include "service/exit_status.hpp"
#include "service/process.hpp"

// jemalloc(3), "TUNING". One arena: a thread's own keeps what it has freed. What is free is unmapped and not advised away, which the kernel
// refuses for locked pages.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "narenas:1,retain:false,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

int main(int argc, char** argv) try {
  using namespace cleanerd;
  const bool is_private = service::keep_memory_private();
  service::DaemonOptions options;
  CLI::App app;
  daemon::add_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "cleanerd: " << error.what() << "\nTry 'cleanerd --help'.\n";
    return 2;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("cleanerd"));
  spdlog::set_level(spdlog::level::from_str(options.log_level.value_or("info")));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  if (!is_private) spdlog::warn("memory=unlocked: what jobs declare can go to swap; the service needs LimitMEMLOCK=infinity");
  if (const Status ended = service::run_daemon(options); !ended) {
    std::cerr << "cleanerd: " << ended.error().message() << "\n";
    return static_cast<int>(service::exit_status(ended.error().code()));
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "cleanerd: internal error (" << typeid(error).name() << ")\n";
  return 1;
}
