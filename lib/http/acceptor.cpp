#include "http/acceptor.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <cstring>

namespace cleanerd::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Then a descriptor may have become free; the socket stays readable, and waiting for that would be a busy loop.
constexpr std::chrono::milliseconds kPause{100};
// Then others get their turn.
constexpr int kMostAtOnce = 64;

bool concerns_one_client(int number) { return number == ECONNABORTED || number == EINTR || number == EPERM || number == EPROTO; }

}  // namespace

class Acceptor::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::io_context& context, Descriptor socket, Accept accept, Log log)
      : socket_(context, socket.release()), pause_(context), accept_(std::move(accept)), log_(std::move(log)) {}

  void wait() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](error_code error) {
      if (!error && self->socket_.is_open()) self->on_readable();
    });
  }

  void end() {
    take_all();
    error_code ignored;
    socket_.close(ignored);
    pause_.cancel();
  }

 private:
  void on_readable() {
    if (take_all()) return wait();
    pause_.expires_after(kPause);
    pause_.async_wait([self = shared_from_this()](error_code error) {
      if (!error && self->socket_.is_open()) self->on_readable();
    });
  }

  bool take_all() {
    for (int i = 0; i < kMostAtOnce; ++i) {
      Descriptor client(::accept4(socket_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (client) {
        complained_ = false;
        // Else the end of an answer waits for the client's delayed acknowledgement of its beginning, 40 ms. No Unix socket has it.
        const int yes = 1;
        ::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        accept_(std::move(client));
      } else if (errno == EAGAIN) {
        return true;
      } else if (!concerns_one_client(errno)) {
        if (!std::exchange(complained_, true)) log_(std::string("no connection can be accepted: ") + std::strerror(errno));
        return false;
      }
    }
    return true;
  }

  asio::posix::stream_descriptor socket_;
  asio::steady_timer pause_;
  Accept accept_;
  Log log_;
  bool complained_ = false;
};

Acceptor::Acceptor(asio::io_context& context, Descriptor socket, Accept accept, Log log)
    : impl_(std::make_shared<Impl>(context, std::move(socket), std::move(accept), std::move(log))) {
  impl_->wait();
}
Acceptor::Acceptor(Acceptor&&) noexcept = default;
Acceptor& Acceptor::operator=(Acceptor&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}
Acceptor::~Acceptor() {
  if (impl_) impl_->end();
}

}  // namespace cleanerd::http
