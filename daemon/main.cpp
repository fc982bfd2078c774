#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

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
  service::keep_memory_private();
  service::DaemonOptions options;
  options.version = CLEANERD_VERSION;
  std::string log_level = "info";
  CLI::App app("Watches the builds of this host's Docker engine and removes the secrets that they leave.", "cleanerd");
  app.set_version_flag("--version", "cleanerd " CLEANERD_VERSION);
  app.add_option("--config", options.config_file, "configuration file, instead of those in /etc/cleanerd")->type_name("FILE");
  app.add_option("--host", options.host, "the engine's socket (default: $DOCKER_HOST, else unix:///var/run/docker.sock)")->type_name("URL");
  app.add_option("--state-dir", options.state_dir, "where the journal lives (default: /var/lib/cleanerd)")->type_name("DIR");
  app.add_option("--socket", options.socket, "the control socket (default: /run/cleanerd/cleanerd.sock)")->type_name("PATH");
  app.add_option("--metrics", options.metrics_address, "where metrics and health are served (default: 127.0.0.1:9798)")->type_name("ADDR:PORT|off");
  app.add_option("--log-level", log_level, "what is logged")->check(CLI::IsMember({"error", "warn", "info", "debug", "trace"}))->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "cleanerd: " << error.what() << "\nTry 'cleanerd --help'.\n";
    return 2;
  }
  spdlog::set_default_logger(spdlog::stderr_logger_mt("cleanerd"));
  spdlog::set_level(spdlog::level::from_str(log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  if (const Status ended = service::run_daemon(options); !ended) {
    std::cerr << "cleanerd: " << ended.error().message() << "\n";
    return static_cast<int>(service::exit_status(ended.error().code()));
  }
  return 0;
} catch (const std::exception& error) {
  std::cerr << "cleanerd: internal error (" << typeid(error).name() << ")\n";
  return 1;
}
