#include "http/connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/vector_body.hpp>
#include <deque>

#include "http/answer.hpp"
#include "http/target.hpp"

namespace cleanerd::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace bhttp = beast::http;
using boost::system::error_code;
using Parser = bhttp::request_parser<bhttp::vector_body<char, WipingAllocator<char>>>;

constexpr std::size_t kReadSize = 4u << 10;
constexpr std::size_t kWriteSize = 64u << 10;
// A client that still sends when its answer is there would lose it if its connection were closed at once (RFC 9112 §9.6).
constexpr milliseconds kLingerTime{2'000};

std::string text_of(boost::string_view text) { return {text.data(), text.size()}; }

bool is_parse_error(error_code error) { return error.category() == bhttp::make_error_code(bhttp::error::bad_version).category(); }
bool is_end(error_code error) { return error == bhttp::error::end_of_stream || error == bhttp::error::partial_message; }

unsigned status_for(error_code error) {
  if (error == bhttp::error::header_limit || error == bhttp::error::buffer_overflow) return 431;
  if (error == bhttp::error::body_limit) return 413;
  return 400;
}

class BeastConnection final : public Connection, public Channel, public std::enable_shared_from_this<BeastConnection> {
 public:
  BeastConnection(asio::io_context& context, Client client, ConnectionOwner& owner)
      : owner_(owner), limits_(owner.limits()), peer_(std::move(client.peer)), router_(std::move(client.router)),
        socket_(context), timer_(context), buffer_(limits_.header_bytes + kWriteSize) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    ::getsockname(client.socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
    error_code failed;
    socket_.assign(asio::generic::stream_protocol(address.ss_family, 0), client.socket.get(), failed);
    if (!failed) client.socket.release();
  }

  void start() override { read_request(); }

  void finish() override {
    ending_ = true;
    if (phase_ != Phase::answering) return close();
    if (exchange_) exchange_->request_stop();
  }

  void close() override {
    if (phase_ == Phase::closed) return;
    const auto self = shared_from_this();
    enter(Phase::closed);
    if (exchange_) exchange_->request_stop(), exchange_->detach();
    error_code ignored;
    socket_.close(ignored);
    owner_.closed(*this);
  }

  std::optional<std::chrono::steady_clock::time_point> idle_since() const override {
    if (phase_ != Phase::idle && phase_ != Phase::lingering) return std::nullopt;
    return since_;
  }

  void post(Piece piece) override {
    asio::post(socket_.get_executor(), [self = shared_from_this(), piece = std::move(piece)]() mutable { self->take(std::move(piece)); });
  }

 private:
  enum class Phase { idle, header, body, answering, lingering, closed };
  using Step = void (BeastConnection::*)();

  // Time -----------------------------------------------------------------------------------------------------------------
  void enter(Phase phase) {
    phase_ = phase;
    since_ = std::chrono::steady_clock::now();
    disarm();
  }
  void enter(Phase phase, milliseconds deadline) {
    enter(phase);
    arm(deadline);
  }

  void disarm() {
    ++deadline_number_;
    timer_.cancel();
  }

  void arm(milliseconds deadline) {
    timer_.expires_after(deadline);
    timer_.async_wait([self = shared_from_this(), number = ++deadline_number_](error_code error) {
      if (!error && number == self->deadline_number_) self->on_deadline();
    });
  }

  // A request that is late is answered by what its interrupted reading ends in.
  void on_deadline() {
    if (phase_ != Phase::header && phase_ != Phase::body) return close();
    late_ = true;
    error_code ignored;
    socket_.cancel(ignored);
  }

  // Reading --------------------------------------------------------------------------------------------------------------
  void read_request() {
    if (ending_ || (sent_all_ && buffer_.size() == 0)) return close();
    buffer_.shrink_to_fit();  // what it held of the last request is wiped
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(limits_.header_bytes));
    parser_->body_limit(limits_.body_bytes);
    if (buffer_.size() != 0) return read_header();
    enter(Phase::idle, limits_.idle_time);
    socket_.async_read_some(buffer_.prepare(kReadSize), [self = shared_from_this()](error_code error, std::size_t count) {
      if (self->phase_ == Phase::closed) return;
      self->buffer_.commit(count);
      if (error) return self->close();
      self->read_header();
    });
  }

  void read_header() {
    enter(Phase::header, limits_.header_time);
    if (sent_all_) return read_what_was_sent_ahead();
    bhttp::async_read_header(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!self->failed(error)) self->on_header();
    });
  }

  // Nothing more will come, and asio does not tell of an end a second time.
  void read_what_was_sent_ahead() {
    error_code error;
    parser_->eager(true);
    while (!error && !parser_->is_done() && buffer_.size() != 0) buffer_.consume(parser_->put(buffer_.data(), error));
    if (error == bhttp::error::need_more || (!error && !parser_->is_done())) return close();
    if (!failed(error)) on_header();
  }

  void on_header() {
    const auto& header = parser_->get();
    if (header.version() == 11 && header.count(bhttp::field::host) == 0) return refuse(400);  // RFC 9112 §3.2
    const auto expectation = header.find(bhttp::field::expect);
    if (expectation == header.end() || parser_->is_done()) return read_body();
    if (!beast::iequals(expectation->value(), "100-continue")) return refuse(417);
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(socket_, asio::buffer(kContinue), [self = shared_from_this()](error_code error, std::size_t) {
      if (!self->failed(error)) self->read_body();
    });
  }

  void read_body() {
    if (parser_->is_done()) return on_request();
    enter(Phase::body, limits_.body_time);
    bhttp::async_read(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!self->failed(error)) self->on_request();
    });
  }

  bool failed(error_code error) {
    if (phase_ == Phase::closed) return true;
    if (late_) refuse(408);
    else if (error && is_parse_error(error) && !is_end(error)) refuse(status_for(error));
    else if (error) close();
    return late_ || error;
  }

  // While a request is answered: notices that the client has gone, and takes in what it sends ahead, up to the size of a header.
  void watch() {
    if (sent_all_) return exchange_->request_stop();
    if (buffer_.size() >= limits_.header_bytes) return;
    watching_ = true;
    socket_.async_read_some(buffer_.prepare(kReadSize), [self = shared_from_this()](error_code error, std::size_t count) {
      self->on_watched(error, count);
    });
  }

  void on_watched(error_code error, std::size_t count) {
    watching_ = false;
    if (phase_ == Phase::closed) return;
    buffer_.commit(count);
    sent_all_ = sent_all_ || error == asio::error::eof;
    if (after_watch_) return (this->*std::exchange(after_watch_, nullptr))();
    if (error && !sent_all_) return close();
    watch();
  }

  void without_watch(Step step) {
    if (!watching_) return (this->*step)();
    after_watch_ = step;
    error_code ignored;
    socket_.cancel(ignored);
  }

  // Answering ------------------------------------------------------------------------------------------------------------
  void on_request() {
    enter(Phase::answering);
    auto message = parser_->release();
    buffer_.shrink_to_fit();
    version_ = message.version();
    keep_alive_ = version_ == 11 && message.keep_alive();
    head_only_ = message.method() == bhttp::verb::head;
    auto target = parse_target(std::string_view(message.target().data(), message.target().size()));
    if (!target) return refuse(400);
    Request request{text_of(message.method_string()), std::move(target->path), std::move(target->query)};
    Router::Match match = router_->find(request.method, request.path);
    if (!match.handler) return answer(match.status, match.allow);
    request.captures = std::move(match.captures);
    request.content_type = text_of(message[bhttp::field::content_type]);
    request.body = std::move(message.body());
    request.peer = peer_;
    exchange_ = std::make_shared<Exchange>(*this);
    if (!owner_.dispatch({*match.handler, std::move(request), exchange_}, match.work)) return answer(503);
    watch();
  }

  // What is wrong with the request may be wrong with what follows it.
  void refuse(unsigned status) {
    enter(Phase::answering);
    keep_alive_ = false;
    queue(closing_answer(status, explanation(status)));
    end_answer();
  }

  void answer(unsigned status, std::string_view allow = {}) {
    whole({status, "application/json", {}, false, true, allow}, message_document(explanation(status)));
  }

  void whole(Head head, std::string body) {
    head.length = body.size();
    head.keep_alive = keep_alive_ && !ending_;
    std::string text = head_text(head);
    if (!head_only_ && body.size() <= kReadSize) text += std::exchange(body, {});  // one packet
    queue(std::move(text));
    if (!head_only_) queue(std::move(body));
    end_answer();
  }

  void take(Piece piece) {
    if (phase_ != Phase::answering) return;
    switch (piece.kind) {
      case Piece::Kind::whole: return whole({piece.status, piece.content_type}, std::move(piece.bytes));
      case Piece::Kind::head: return begin_stream(piece);
      case Piece::Kind::chunk: return add_chunk(std::move(piece.bytes));
      case Piece::Kind::last:
        if (version_ == 11 && !head_only_) queue(std::string(kLastChunk));
        return end_answer();
      case Piece::Kind::cut: return close();
    }
  }

  void begin_stream(const Piece& piece) {
    queue(head_text({.status = piece.status, .content_type = piece.content_type, .chunked = version_ == 11, .keep_alive = keep_alive_}));
    pump();
  }

  void add_chunk(std::string bytes) {
    const std::size_t size = bytes.size();
    if (head_only_) return exchange_->written(size);
    queue(version_ == 11 ? chunk_text(bytes) : std::move(bytes), size);
    pump();
  }

  void queue(std::string bytes, std::size_t chunk_size = 0) {
    if (!bytes.empty()) out_.push_back({std::move(bytes), 0, chunk_size});
  }

  void end_answer() {
    complete_ = true;
    pump();
  }

  void pump() {
    if (writing_) return;
    if (out_.empty()) {
      disarm();
      if (complete_) on_answered();
      return;
    }
    writing_ = true;
    arm(limits_.write_time);
    const Out& next = out_.front();
    const auto part = asio::buffer(next.bytes.data() + next.sent, std::min(kWriteSize, next.bytes.size() - next.sent));
    asio::async_write(socket_, part, [self = shared_from_this()](error_code error, std::size_t count) { self->on_written(error, count); });
  }

  void on_written(error_code error, std::size_t count) {
    writing_ = false;
    if (phase_ == Phase::closed) return;
    if (error) return close();
    Out& front = out_.front();
    front.sent += count;
    if (front.sent == front.bytes.size()) {
      if (exchange_) exchange_->written(front.chunk_size);
      out_.pop_front();
    }
    pump();
  }

  void on_answered() {
    complete_ = false;
    if (exchange_) exchange_->detach(), exchange_.reset();
    if (ending_) return close();
    without_watch(keep_alive_ ? &BeastConnection::read_request : &BeastConnection::linger);
  }

  void linger() {
    enter(Phase::lingering, kLingerTime);
    error_code failed;
    socket_.shutdown(asio::socket_base::shutdown_send, failed);
    if (failed || sent_all_) return close();
    discard();
  }

  void discard() {
    buffer_.clear();
    socket_.async_read_some(buffer_.prepare(kReadSize), [self = shared_from_this()](error_code error, std::size_t) {
      if (self->phase_ == Phase::closed) return;
      if (error) return self->close();
      self->discard();
    });
  }

  struct Out {
    std::string bytes;
    std::size_t sent;
    std::size_t chunk_size;  // of a stream's chunk, as the exchange counts it
  };

  ConnectionOwner& owner_;
  const Limits& limits_;
  const std::optional<Peer> peer_;
  const std::shared_ptr<const Router> router_;
  asio::generic::stream_protocol::socket socket_;
  asio::steady_timer timer_;
  std::uint64_t deadline_number_ = 0;
  beast::basic_flat_buffer<WipingAllocator<char>> buffer_;
  std::optional<Parser> parser_;
  std::shared_ptr<Exchange> exchange_;  // the handler's and ours; at most one of a connection is not detached
  std::deque<Out> out_;
  Phase phase_ = Phase::idle;
  std::chrono::steady_clock::time_point since_{};
  Step after_watch_ = nullptr;
  unsigned version_ = 11;
  bool keep_alive_ = false, head_only_ = false, complete_ = false, writing_ = false, watching_ = false, late_ = false, sent_all_ = false, ending_ = false;
};

}  // namespace

std::shared_ptr<Connection> make_connection(asio::io_context& context, Client client, ConnectionOwner& owner) {
  return std::make_shared<BeastConnection>(context, std::move(client), owner);
}

}  // namespace cleanerd::http
