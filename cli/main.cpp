#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <iostream>

#include "cli/commands.hpp"
#include "service/process.hpp"

// jemalloc(3), "TUNING". One arena: a thread's own keeps what it has freed, and there is little to gain from many on the few threads here.
extern "C" {
extern const char* const malloc_conf;
const char* const malloc_conf = "narenas:1";
}

int main(int argc, char** argv) try {
  using namespace cleanerd::cli;
  (void)cleanerd::service::keep_memory_private();  // seldom run with the right to; the service tells
  ::signal(SIGPIPE, SIG_IGN);
  auto parsed = parse_command_line(argc, argv);
  if (const auto* status = std::get_if<ExitStatus>(&parsed)) return static_cast<int>(*status);
  const Options& options = std::get<Options>(parsed);
  spdlog::set_default_logger(spdlog::stderr_logger_mt("cleanerctl"));
  spdlog::set_level(spdlog::level::from_str(options.log_level));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  const cleanerd::service::Interruption interruption;
  const auto result = run_command(options, interruption);
  if (result) return static_cast<int>(*result);
  std::cerr << "cleanerctl: " << result.error().message() << "\n";
  return static_cast<int>(cleanerd::service::exit_status(result.error().code()));
} catch (const std::exception& error) {
  // A broken invariant: what it says may quote foreign bytes, so only its kind is told.
  std::cerr << "cleanerctl: internal error (" << typeid(error).name() << "); nothing more was changed\n";
  return 1;
}
