// What each of our programs does first: private memory, and signals that request a stop.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <thread>

namespace cleanerd::service {

// Secrets pass through this process: no core file, no reading of it by others of the same user, and, as root, no swap.
// Also keeps the process small.
// False where what it holds can go to swap: the limit of locked memory cannot be lifted.
bool keep_memory_private();

// From here on this thread, and those it starts, read the disk only when nobody else does (ioprio_set(2)).
void read_when_idle();

// Until the time is over or the stop is requested.
void pause(std::chrono::milliseconds time, const std::stop_token& stop);

// From here on SIGINT and SIGTERM request the stop instead of ending the process; a second one ends it at once.
// Constructed before any other thread starts.
class Interruption {
 public:
  // `on_hangup`, where there is one, is called for each SIGHUP, on a thread of its own.
  explicit Interruption(std::function<void()> on_hangup = {});
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  ~Interruption();

  std::stop_token token() const { return source_.get_token(); }
  bool requested() const { return source_.stop_requested(); }

 private:
  std::stop_source source_;
  std::function<void()> on_hangup_;
  std::thread waiter_;
};

}  // namespace cleanerd::service
