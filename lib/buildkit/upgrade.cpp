#include "buildkit/upgrade.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <system_error>

#include "base/text.hpp"

namespace cleanerd::buildkit {
namespace {

constexpr std::chrono::seconds kDeadline{10};  // the engine answers an upgrade from memory
constexpr std::size_t kMaxHead = 8192;

Error failure(const char* step, int number) {
  return Error(Errc::unreachable, std::string("build history: ") + step + ": " + std::generic_category().message(number));
}

// The answer's head, byte by byte: what follows it belongs to HTTP/2.
Result<std::string> read_head(int socket) {
  using std::chrono::steady_clock;
  const auto end = steady_clock::now() + kDeadline;
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now()).count();
    pollfd input{socket, POLLIN, 0};
    const int ready = left > 0 ? ::poll(&input, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Error(Errc::timeout, "build history: the Docker engine did not answer in time");
    char byte = 0;
    const ssize_t count = ready < 0 ? -1 : ::recv(socket, &byte, 1, 0);
    if (count < 0) return failure("upgrade", errno);
    if (count == 0) return Error(Errc::protocol, "build history: the Docker engine closed the connection before its answer was complete");
    if (head.size() == kMaxHead) return Error(Errc::protocol, "build history: what answers on the socket does not speak HTTP");
    head += byte;
  }
  return head;
}

}  // namespace

Result<int> upgraded_connection(const engine::Endpoint& endpoint) {
  const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return failure("socket", errno);
  const auto fail = [&](Error error) {
    ::close(socket);
    return error;
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, endpoint.socket_path.c_str(), std::min(endpoint.socket_path.size() + 1, sizeof address.sun_path));
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return fail(failure("connect", errno));
  static constexpr std::string_view kRequest =
      "POST /grpc HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n";
  if (::send(socket, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(kRequest.size()))
    return fail(failure("upgrade", errno));
  auto head = read_head(socket);
  if (!head) return fail(std::move(head).error());
  // Only an engine that does not know the path has no such history; any other refusal would hide one.
  if (head->starts_with("HTTP/1.1 404")) return fail(Error(Errc::unsupported, "build history: the engine does not offer BuildKit's control API"));
  if (!head->starts_with("HTTP/1.1 101"))
    return fail(Error(Errc::engine, "build history: the Docker engine refused the upgrade: " + printable(split(*head, '\r').front(), 80)));
  if (::fcntl(socket, F_SETFL, O_NONBLOCK) != 0) return fail(failure("prepare", errno));
  return socket;
}

}  // namespace cleanerd::buildkit
