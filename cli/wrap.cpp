#include "cli/wrap.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <iostream>
#include <optional>
#include <system_error>

#include "cli/local.hpp"
#include "cli/output.hpp"
#include "cli/remote.hpp"
#include "cli/secret_input.hpp"
#include "service/lifetime.hpp"
#include "service/setup.hpp"

namespace cleanerd::cli {
namespace {

// Our own mask and dispositions are not the command's.
Result<pid_t> start(const std::vector<std::string>& program) {
  std::vector<char*> words;
  for (const std::string& word : program) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) sigaddset(&defaults, signal);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  const int number = ::posix_spawnp(&child, words.front(), nullptr, &attributes, words.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (number != 0) return Error(Errc::usage, "the command cannot be started: " + std::generic_category().message(number));
  return child;
}

// A terminal interrupts the command itself; what only this process was told is passed on.
int wait_for(pid_t child, const service::Interruption& interruption) {
  const std::stop_callback pass_on(interruption.token(), [child] { ::kill(child, SIGTERM); });
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return 1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

// Also what an interrupted build left is removed.
Result<ExitStatus> clean_up(const Options& options, const policy::Policy& policy, service::Job job) {
  const std::stop_source stop;
  auto place = service::Workplace::open(policy, options.host, service::state_dir(policy), stop.get_token(), service::Rules::at_once);
  if (!place) return job.declared.without_secrets(place.error());
  ProgressLine line(options);
  auto result = service::run_job(job, *place, stop.get_token(), progress_on(line));
  line.clear();
  if (!result) return std::move(result).error();
  result->document.command = "run";
  return tell(options, *result);
}

Options without_output(Options options) {
  options.quiet = true;
  options.format = Format::table;
  options.output.clear();
  return options;
}

}  // namespace

Result<ExitStatus> wrap(const Options& options, const service::Interruption& interruption) {
  auto policy = service::load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  auto declared = read_declared(options);
  if (!declared) return std::move(declared).error();
  service::Job job = job_of(options, *declared);
  if (auto filter = plan::parse_filter(job.filters, system_now()); !filter) return std::move(filter).error();
  auto service = service_for(options, *policy, {});
  if (!service) return std::move(service).error();
  std::string session;
  if (*service) {
    // Its name is on the audit: no word of the command, which may be a secret by mistake.
    const service::SessionScope scope{.command = "run", .all = options.all, .dry_run = options.dry_run, .filters = options.filters};
    auto begun = (*service)->begin_session("cleanerctl run", std::chrono::seconds(service::kLongestSession).count(), *declared, scope);
    if (!begun) return std::move(begun).error();
    session = std::move(*begun);
  }
  job.trigger = "session";
  const auto began = std::chrono::steady_clock::now();
  job.since = system_now();
  auto child = start(options.program);
  if (!child) {
    if (*service) (void)(*service)->end_session(without_output(options), session, {});
    return std::move(child).error();
  }
  const int status = wait_for(*child, interruption);
  job.since = service::began_by_clock(*job.since, std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began), system_now());
  auto cleaned = *service ? (*service)->end_session(options, session, {}) : clean_up(options, *policy, std::move(job));
  if (!cleaned && *service) cleaned = Error(cleaned.error().code(), cleaned.error().message() + "; `cleanerctl purge` with the same secrets declared removes what the command left");
  if (status == 0) return cleaned;
  if (!cleaned) std::cerr << "cleanerctl: " << cleaned.error().message() << "\n";
  return static_cast<ExitStatus>(status);
}

}  // namespace cleanerd::cli
