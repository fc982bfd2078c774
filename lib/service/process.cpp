#include "service/process.hpp"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace cleanerd::service {
namespace {

sigset_t waited_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR1);  // our own, to end the waiter
  return set;
}

}  // namespace

void keep_memory_private() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

Interruption::Interruption() {
  const sigset_t set = waited_signals();
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter_ = std::thread([this, set] {
    for (int signal = 0; ::sigwait(&set, &signal) == 0;) {
      if (signal == SIGUSR1) return;
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
