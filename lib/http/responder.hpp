// The answer to one request: at once, or as a stream of chunks.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace cleanerd::http {

class Exchange;

// Answers once. May be moved to another thread and outlive its handler and the server; what is answered after the client has
// gone is dropped. One that goes without an answer answers 500, one whose stream was not ended cuts the connection, so that the
// client sees that something is missing. For one thread at a time.
class Responder {
 public:
  explicit Responder(std::shared_ptr<Exchange> exchange);
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&&) = delete;
  ~Responder();

  void send(unsigned status, std::string_view content_type, std::string body);
  void json(unsigned status, std::string document) { send(status, "application/json", std::move(document)); }
  // {"message": …}: the form of every answer that says that something went wrong. Text that is not UTF-8 is made so.
  void message(unsigned status, std::string_view text);

  // begin, then any number of writes, then end.
  void begin(unsigned status, std::string_view content_type);
  // Waits while the client has not yet taken most of what was written before, at most for Limits::write_time. False when the stream
  // is over: the client has gone or is too slow.
  bool write(std::string_view chunk);
  void end();

  bool answered() const;  // by send or by begin
  // Stops when the client has gone (closed its side), or the server is stopping.
  std::stop_token stop() const;

 private:
  std::shared_ptr<Exchange> exchange_;
};

}  // namespace cleanerd::http
