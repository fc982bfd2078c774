#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "daemon/options.hpp"
#include "service/process.hpp"
#include "service/rounds.hpp"
#include "service/setup.hpp"

namespace {

using namespace cleanerd;

int run(const daemon::Options& options) {
  const service::Interruption interruption;
  auto policy = service::load_policy(options.config_file);
  if (!policy) {
    std::cerr << "cleanerd: " << policy.error().message() << "\n";
    return 2;
  }
  const std::string state_dir = options.state_dir.empty() ? service::state_dir(*policy) : options.state_dir;
  const auto ready = [](bool healthy) {
    ::sd_notify(0, healthy ? "READY=1\nSTATUS=The last round went well" : "READY=1\nSTATUS=The last round failed, see the log");
  };
  service::run_rounds(*policy, {options.host, state_dir, ready}, interruption.token());
  ::sd_notify(0, "STOPPING=1");
  return 0;
}

}  // namespace

// jemalloc(3), "TUNING". One arena: a thread's own keeps what it has freed. What is free is unmapped and not advised away, which the kernel
// refuses for locked pages.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "narenas:1,retain:false,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

int main(int argc, char** argv) try {
  cleanerd::service::keep_memory_private();
  daemon::Options options;
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
  spdlog::set_level(spdlog::level::from_str(options.log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  return run(options);
} catch (const std::exception& error) {
  std::cerr << "cleanerd: internal error (" << typeid(error).name() << ")\n";
  return 1;
}
