// One request and its streamed answer over a Unix socket (HTTP/1.1, RFC 9112), with a pool of kept-alive connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/body.hpp"
#include "engine/endpoint.hpp"

namespace cleanerd::engine {

enum class Method { get, post, del };
std::string_view to_string(Method method);  // "DELETE"

// For a part of a target: unreserved characters of RFC 3986 and colons stay, the rest is percent-encoded.
std::string percent_encode(std::string_view text);

struct HttpRequest {
  Method method = Method::get;
  std::string target;                // path and query, already percent-encoded
  std::chrono::seconds deadline{0};  // for the whole exchange, body included
  std::string json{};                // the request's own body
  bool live = false;                 // the answer's pieces come as they are sent, not as large as can be
  bool to_the_end = false;           // the engine carries it out also where this process ends meanwhile, see docs/decisions/0012
  std::uint64_t body_limit = 128u << 20;  // 100,000 cache records make some 60 MB; an endless answer ends here
};

class Connection;

// A connection on loan. It goes back to the pool if its answer was read to the end, and is closed otherwise.
class HttpResponse final : public Body {
 public:
  HttpResponse(HttpResponse&&) noexcept;
  HttpResponse& operator=(HttpResponse&&) = delete;
  ~HttpResponse() override;

  unsigned status() const;
  std::string header(std::string_view name) const;  // empty when there is none
  Result<std::string_view> next() override;

 private:
  friend class HttpClient;
  HttpResponse(class HttpClient* pool, std::unique_ptr<Connection> connection);
  class HttpClient* pool_;
  std::unique_ptr<Connection> connection_;
};

class HttpClient {
 public:
  HttpClient(Endpoint endpoint, std::stop_token stop);
  ~HttpClient();

  // Sends the request and reads the answer's head. A request whose kept-alive connection turns out to be closed is sent once
  // more on a fresh one: every request of ours may be repeated. The response must not outlive this client.
  Result<HttpResponse> send(const HttpRequest& request);
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  friend class HttpResponse;
  std::unique_ptr<Connection> take_idle();
  void give_back(std::unique_ptr<Connection> connection);

  Endpoint endpoint_;
  std::stop_token stop_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace cleanerd::engine
