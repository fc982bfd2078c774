// What a handler's thread and the event loop share about one request.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <string>

namespace cleanerd::http {

// A part of an answer on its way to the event loop.
struct Piece {
  enum class Kind {
    whole,  // the answer
    head,   // of a stream
    chunk,
    last,
    cut,  // a stream that will not be ended
  };
  Kind kind;
  unsigned status = 0;        // of whole and head
  std::string content_type{};  // likewise
  std::string bytes{};         // of whole and chunk
};

// A connection, as other threads see it.
class Channel {
 public:
  virtual void post(Piece piece) = 0;

 protected:
  ~Channel() = default;
};

class Exchange {
 public:
  explicit Exchange(Channel& channel) : channel_(&channel) {}

  // The handler's side.
  void put(Piece piece);
  bool wait_for_room();  // false when the exchange is over
  std::stop_token stop() const { return stop_.get_token(); }
  bool begun = false, answered = false;

  // The event loop's side. After `detach` the channel is not used any more.
  void written(std::size_t bytes);
  void request_stop() { stop_.request_stop(); }
  void detach();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Channel* channel_;
  std::size_t waiting_bytes_ = 0;
  std::stop_source stop_;
};

}  // namespace cleanerd::http
