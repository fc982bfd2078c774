#include "buildkit/connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "base/text.hpp"

namespace cleanerd::buildkit {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds kDeadline{10};  // the engine answers an upgrade from memory
constexpr std::size_t kMaxHead = 8192;

Error failure(const char* step, int number) {
  return Error(Errc::unreachable, std::string("build history: ") + step + ": " + std::generic_category().message(number));
}

class Socket {
 public:
  static Result<Socket> connect(const engine::Endpoint& endpoint) {
    Socket opened(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (opened.descriptor_ < 0) return failure("socket", errno);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, endpoint.socket_path.c_str(), std::min(endpoint.socket_path.size() + 1, sizeof address.sun_path));
    if (::connect(opened.descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return failure("connect", errno);
    return opened;
  }
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)), end_(other.end_) {}
  Socket& operator=(Socket&&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  Status send(std::string_view bytes) {
    if (::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) return failure("send", errno);
    return {};
  }

  // One byte; nullopt at the end.
  Result<std::optional<char>> next() {
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - steady_clock::now()).count();
      pollfd input{descriptor_, POLLIN, 0};
      const int ready = left > 0 ? ::poll(&input, 1, static_cast<int>(left)) : 0;
      if (ready < 0 && errno == EINTR) continue;
      if (ready == 0) return Error(Errc::timeout, "build history: the Docker engine did not answer in time");
      char byte = 0;
      const ssize_t count = ready < 0 ? -1 : ::recv(descriptor_, &byte, 1, 0);
      if (count < 0) return failure("read", errno);
      return count == 0 ? std::nullopt : std::optional<char>(byte);
    }
  }

  Result<int> release() {
    if (::fcntl(descriptor_, F_SETFL, O_NONBLOCK) != 0) return failure("prepare", errno);
    return std::exchange(descriptor_, -1);
  }

 private:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  steady_clock::time_point end_ = steady_clock::now() + kDeadline;
};

// The answer's head, byte by byte: what follows it belongs to HTTP/2.
Result<std::string> read_head(Socket& socket) {
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    auto byte = socket.next();
    if (!byte) return std::move(byte).error();
    if (!*byte) return Error(Errc::protocol, "build history: the Docker engine closed the connection before its answer was complete");
    if (head.size() == kMaxHead) return Error(Errc::protocol, "build history: what answers on the socket does not speak HTTP");
    head += **byte;
  }
  return head;
}

// The answer to a preface and empty settings is the other side's settings (RFC 9113, 3.4); an engine that speaks HTTP/1 closes or answers
// 400. Asked on a connection of its own: gRPC begins its with a preface, too.
Result<bool> speaks_http2(const engine::Endpoint& endpoint) {
  auto socket = Socket::connect(endpoint);
  if (!socket) return std::move(socket).error();
  static constexpr std::string_view kPreface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
  if (!socket->send(kPreface)) return false;
  std::string head;  // length 3, type 1, flags 1, stream 4
  while (head.size() < 9) {
    auto byte = socket->next();
    if (!byte && byte.error().code() == Errc::timeout) return std::move(byte).error();
    if (!byte || !*byte) return false;
    head += **byte;
  }
  return head[3] == 4 && head.substr(5) == std::string(4, '\0');
}

Result<int> direct_connection(const engine::Endpoint& endpoint) {
  auto spoken = speaks_http2(endpoint);
  if (!spoken) return std::move(spoken).error();
  if (!*spoken) return Error(Errc::unsupported, "build history: the engine does not speak HTTP/2 on its socket");
  auto socket = Socket::connect(endpoint);
  if (!socket) return std::move(socket).error();
  return socket->release();
}

Result<int> upgraded_connection(const engine::Endpoint& endpoint) {
  auto socket = Socket::connect(endpoint);
  if (!socket) return std::move(socket).error();
  if (Status sent = socket->send("POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n"); !sent)
    return std::move(sent).error();
  auto head = read_head(*socket);
  if (!head) return std::move(head).error();
  // Only an engine that does not know the path has no such history; any other refusal would hide one.
  if (head->starts_with("HTTP/1.1 404")) return Error(Errc::unsupported, "build history: the engine does not offer BuildKit's control API");
  if (!head->starts_with("HTTP/1.1 101"))
    return Error(Errc::engine, "build history: the Docker engine refused the upgrade: " + printable(split(*head, '\r').front(), 80));
  return socket->release();
}

}  // namespace

Result<int> control_connection(const engine::Endpoint& endpoint, engine::ApiVersion api_max) {
  const bool direct_first = api_max >= engine::ApiVersion{1, 53};
  auto first = direct_first ? direct_connection(endpoint) : upgraded_connection(endpoint);
  if (first || first.error().code() != Errc::unsupported) return first;
  return direct_first ? upgraded_connection(endpoint) : direct_connection(endpoint);
}

}  // namespace cleanerd::buildkit
