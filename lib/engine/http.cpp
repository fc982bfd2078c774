#include "engine/http.hpp"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <sstream>

#include "base/text.hpp"

namespace cleanerd::engine {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr std::size_t kReadSize = 64u << 10;
constexpr std::size_t kIdleConnections = 8;

// Go's net/http gives a request up when it reads that its client has gone, and reads on only as long as nothing is left to read
// (server.go, backgroundRead). So something is: more than the 4 KiB that it may have read along with the request. Empty lines before a
// request that never comes are none (RFC 9112 §2.2).
std::string more_to_read() {
  std::string lines;
  for (std::size_t i = 0; i < 2100; ++i) lines += "\r\n";
  return lines;
}

http::verb verb(Method method) {
  switch (method) {
    case Method::get: return http::verb::get;
    case Method::post: return http::verb::post;
    case Method::del: return http::verb::delete_;
  }
  return http::verb::get;
}

}  // namespace

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() * 2);
  for (const char c : text) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || contains("-._~:", std::string_view(&c, 1))) {
      out += c;
    } else {
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

std::string_view to_string(Method method) {
  const auto name = http::to_string(verb(method));
  return {name.data(), name.size()};
}

// Asynchronous operations run to their end one at a time: Beast's timeouts and a stop at any moment work only with those.
class Connection {
 public:
  Connection(const Endpoint& endpoint, std::stop_token stop)
      : endpoint_(endpoint), stop_(std::move(stop)), stream_(context_) {
    buffer_.reserve(kReadSize);  // Beast reads no more at once than is reserved, 512 bytes at first
  }

  Status connect(std::chrono::seconds deadline) {
    stream_.expires_after(deadline);
    return run("connect", [&](auto done) {
      stream_.async_connect(asio::local::stream_protocol::endpoint(endpoint_.socket_path), std::move(done));
    });
  }

  Status send(const HttpRequest& request) {
    http::request<http::string_body> message(verb(request.method), request.target, 11);
    message.set(http::field::host, "docker");
    message.set(http::field::user_agent, "cleanerd");
    if (!request.json.empty()) message.set(http::field::content_type, "application/json");
    message.body() = request.json;
    if (request.method == Method::post) message.content_length(request.json.size());
    std::string after;
    if (request.to_the_end) {
      message.keep_alive(false);
      after = more_to_read();
    }
    std::ostringstream text;
    text << message << after;
    parser_.emplace();
    parser_->body_limit(request.body_limit);
    body_limit_ = request.body_limit;
    live_ = request.live;
    stream_.expires_after(request.deadline);
    const std::string bytes = std::move(text).str();
    Status sent = run("send the request", [&](auto done) {
      asio::async_write(stream_, asio::buffer(bytes), [done = std::move(done)](error_code error, std::size_t) mutable { done(error); });
    });
    if (!sent) return sent;
    return run("read the answer", [&](auto done) {
      http::async_read_header(stream_, buffer_, *parser_,
                              [done = std::move(done)](error_code error, std::size_t) mutable { done(error); });
    });
  }

  Result<std::string_view> next() {
    while (!parser_->is_done()) {
      auto& body = parser_->get().body();
      body.data = chunk_.data();
      body.size = chunk_.size();
      body.more = true;
      Status read = run("read the answer", [&](auto done) {
        auto finish = [done = std::move(done)](error_code error, std::size_t) mutable {
          // The chunk is full: not an error, there is more.
          done(error == http::error::need_buffer ? error_code() : error);
        };
        if (live_) http::async_read_some(stream_, buffer_, *parser_, std::move(finish));
        else http::async_read(stream_, buffer_, *parser_, std::move(finish));
      });
      if (!read) return std::move(read).error();
      const std::size_t count = chunk_.size() - body.size;
      if (count != 0) return std::string_view(chunk_.data(), count);
    }
    return std::string_view();
  }

  unsigned status() const { return parser_->get().result_int(); }
  std::string header(std::string_view name) const {
    const auto value = parser_->get()[beast::string_view(name.data(), name.size())];
    return {value.data(), value.size()};
  }
  // An answer without a length ends with its connection.
  bool reusable() const { return parser_ && parser_->is_done() && parser_->get().keep_alive() && !parser_->need_eof() && !failed_; }
  bool ended_by_peer() const { return ended_by_peer_; }

 private:
  template <class Start>
  Status run(const char* step, Start&& start) {
    if (stop_.stop_requested()) return Error(Errc::cancelled, "interrupted");
    error_code result = asio::error::would_block;
    context_.restart();
    std::forward<Start>(start)([&result](error_code error) { result = error; });
    {
      std::stop_callback cancel(stop_, [this] { asio::post(context_, [this] { stream_.cancel(); }); });
      context_.run();
    }
    if (!result) return {};
    failed_ = true;
    return describe(step, result);
  }

  Error describe(const char* step, error_code error) {
    const std::string where = " (" + to_string(endpoint_) + ")";
    if (stop_.stop_requested()) return Error(Errc::cancelled, "interrupted");
    if (error == beast::error::timeout)
      return Error(Errc::timeout, std::string("the Docker engine did not answer in time: ") + step + where);
    if (error == asio::error::access_denied)
      return Error(Errc::permission, "no permission on the Docker engine's socket" + where +
                                         "; run as root or as a member of the socket's group");
    if (error == boost::system::errc::no_such_file_or_directory || error == asio::error::connection_refused)
      return Error(Errc::unreachable, "no Docker engine answers" + where + ": " + error.message() +
                                          "; is it running? --host or DOCKER_HOST names another socket");
    if (error == http::error::end_of_stream || error == http::error::partial_message || error == asio::error::eof ||
        error == asio::error::connection_reset || error == asio::error::broken_pipe) {
      ended_by_peer_ = true;
      return Error(Errc::protocol, "the Docker engine closed the connection before its answer was complete" + where);
    }
    if (error == http::error::body_limit)
      return Error(Errc::too_large, "the Docker engine's answer exceeds " + std::to_string(body_limit_ >> 20) + " MiB" + where);
    if (error.category() == http::make_error_code(http::error::bad_version).category())
      return Error(Errc::protocol, std::string("what answers on the socket does not speak HTTP: ") + error.message() + where);
    return Error(Errc::unreachable, std::string(step) + ": " + error.message() + where);
  }

  Endpoint endpoint_;
  std::stop_token stop_;
  asio::io_context context_{1};
  beast::basic_stream<asio::local::stream_protocol> stream_;
  beast::flat_buffer buffer_{kReadSize * 2};
  std::array<char, kReadSize> chunk_{};
  std::optional<http::response_parser<http::buffer_body>> parser_;
  std::uint64_t body_limit_ = 0;
  bool live_ = false;
  bool failed_ = false;
  bool ended_by_peer_ = false;
};

HttpResponse::HttpResponse(HttpClient* pool, std::unique_ptr<Connection> connection)
    : pool_(pool), connection_(std::move(connection)) {}
HttpResponse::HttpResponse(HttpResponse&&) noexcept = default;
HttpResponse::~HttpResponse() {
  if (connection_ && connection_->reusable()) pool_->give_back(std::move(connection_));
}
unsigned HttpResponse::status() const { return connection_->status(); }
std::string HttpResponse::header(std::string_view name) const { return connection_->header(name); }
Result<std::string_view> HttpResponse::next() { return connection_->next(); }

HttpClient::HttpClient(Endpoint endpoint, std::stop_token stop) : endpoint_(std::move(endpoint)), stop_(std::move(stop)) {}
HttpClient::~HttpClient() = default;

Result<HttpResponse> HttpClient::send(const HttpRequest& request) {
  if (auto kept = take_idle()) {
    Status sent = kept->send(request);
    if (sent) return HttpResponse(this, std::move(kept));
    if (!kept->ended_by_peer()) return std::move(sent).error();
  }
  auto fresh = std::make_unique<Connection>(endpoint_, stop_);
  if (Status connected = fresh->connect(request.deadline); !connected) return std::move(connected).error();
  if (Status sent = fresh->send(request); !sent) return std::move(sent).error();
  return HttpResponse(this, std::move(fresh));
}

std::unique_ptr<Connection> HttpClient::take_idle() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void HttpClient::give_back(std::unique_ptr<Connection> connection) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kIdleConnections) idle_.push_back(std::move(connection));
}

}  // namespace cleanerd::engine
