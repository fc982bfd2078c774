#include "service/process.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

namespace cleanerd::service {
namespace {

sigset_t waited_signals(bool hangup) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  if (hangup) sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGUSR1);  // our own, to end the waiter
  return set;
}

}  // namespace

bool keep_memory_private() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  // Nothing goes to swap. Only where the limit can be lifted: one that is reached later would make allocations fail.
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  return ::setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0 && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

void read_when_idle() {
  constexpr int kWhoProcess = 1, kClassIdle = 3, kClassShift = 13;  // linux/ioprio.h
  ::syscall(SYS_ioprio_set, kWhoProcess, 0, kClassIdle << kClassShift);
}

void pause(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

Interruption::Interruption(std::function<void()> on_hangup) : on_hangup_(std::move(on_hangup)) {
  const sigset_t set = waited_signals(static_cast<bool>(on_hangup_));
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::thread([this, set] {
    for (int signal = 0; ::sigwait(&set, &signal) == 0;) {
      if (signal == SIGUSR1) return;
      if (signal == SIGHUP) {
        on_hangup_();
        continue;
      }
      if (source_.stop_requested()) ::_exit(128 + signal);
      source_.request_stop();
    }
  });
}

Interruption::~Interruption() {
  ::pthread_kill(waiter_.native_handle(), SIGUSR1);
  waiter_.join();
}

}  // namespace cleanerd::service
