// A few threads that run handlers.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/exchange.hpp"
#include "http/router.hpp"

namespace cleanerd::http {

struct Job {
  Handler handler;
  Request request;
  std::shared_ptr<Exchange> exchange;
};

class WorkerPool {
 public:
  WorkerPool(unsigned threads, std::size_t most_waiting, std::function<void(const std::string&)> log);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool() { join(); }

  // False when too many wait already, or after `join`: the job is dropped.
  bool submit(Job job);
  // Runs what waits to its end.
  void join();

 private:
  void work();
  void run(Job job);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Job> waiting_;
  const std::size_t most_waiting_;
  std::size_t idle_ = 0;
  bool ending_ = false;
  std::function<void(const std::string&)> log_;
  std::vector<std::thread> threads_;
};

}  // namespace cleanerd::http
