#include "http/worker_pool.hpp"

#include <exception>
#include <typeinfo>

namespace cleanerd::http {

WorkerPool::WorkerPool(unsigned threads, std::size_t most_waiting, std::function<void(const std::string&)> log)
    : most_waiting_(most_waiting), log_(std::move(log)) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

bool WorkerPool::submit(Job job) {
  const std::lock_guard lock(mutex_);
  if (ending_ || waiting_.size() >= idle_ + most_waiting_) return false;
  waiting_.push_back(std::move(job));
  changed_.notify_one();
  return true;
}

void WorkerPool::join() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (waiting_.empty()) return;
    Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    run(std::move(job));
    lock.lock();
  }
}

// What was thrown may quote the request; its type does not.
void WorkerPool::run(Job job) {
  const std::string route = job.request.method + " handler";
  try {
    job.handler(std::move(job.request), Responder(std::move(job.exchange)));
  } catch (const std::exception& error) {
    log_("a " + route + " threw " + typeid(error).name());
  } catch (...) {
    log_("a " + route + " threw something that is no exception");
  }
}

}  // namespace cleanerd::http
