#include "http/exchange.hpp"

#include <utility>

namespace cleanerd::http {
namespace {

constexpr std::size_t kMostWaiting = 64u << 10;

}  // namespace

// Under the lock, so that nothing is posted once `detach` has returned.
void Exchange::put(Piece piece) {
  const std::lock_guard lock(mutex_);
  if (!channel_) return;
  if (piece.kind == Piece::Kind::chunk) waiting_bytes_ += piece.bytes.size();
  channel_->post(std::move(piece));
}

bool Exchange::wait_for_room() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !channel_ || waiting_bytes_ < kMostWaiting; });
  return channel_ != nullptr;
}

void Exchange::written(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  waiting_bytes_ -= bytes;
  changed_.notify_all();
}

void Exchange::detach() {
  const std::lock_guard lock(mutex_);
  channel_ = nullptr;
  changed_.notify_all();
}

}  // namespace cleanerd::http
