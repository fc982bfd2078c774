#include "http/listening.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "base/text.hpp"

namespace cleanerd::http {
namespace {

std::string text_of(const TcpAddress& address) {
  const bool v6 = address.address.find(':') != std::string::npos;
  return (v6 ? "[" + address.address + "]" : address.address) + ":" + std::to_string(address.port);
}

Error tcp_error(const TcpAddress& address, int number) {
  const Errc code = number == EADDRINUSE ? Errc::conflict : Errc::io;
  const char* advice = number == EADDRINUSE ? "; another program listens there, choose another port" : "";
  return Error(code, "cannot listen on " + text_of(address) + ": " + std::strerror(number) + advice);
}

using AddressInfo = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// nullptr: the address is not numeric.
AddressInfo numeric_address(const TcpAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* list = nullptr;
  const bool is_numeric = ::getaddrinfo(address.address.c_str(), std::to_string(address.port).c_str(), &hints, &list) == 0;
  return {is_numeric ? list : nullptr, &::freeaddrinfo};
}

}  // namespace

std::optional<TcpAddress> parse_tcp_address(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view address = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  const bool is_bracketed = address.starts_with('[') && address.ends_with(']');
  if (is_bracketed) address = address.substr(1, address.size() - 2);
  if (address.empty() || contains(address, ":") != is_bracketed) return std::nullopt;
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  TcpAddress parsed{std::string(address), port};
  return numeric_address(parsed) ? std::optional(std::move(parsed)) : std::nullopt;
}

Result<Listening> listen_at(const TcpAddress& address) {
  const AddressInfo found = numeric_address(address);
  if (!found) return Error(Errc::config, "'" + address.address + "' is not a numeric IPv4 or IPv6 address");
  Descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int yes = 1;
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      ::bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(socket.get(), kBacklog) != 0)
    return tcp_error(address, errno);
  return Listening{std::move(socket)};
}

Result<Listening> take_over(const InheritedSocket& inherited) {
  Descriptor socket(inherited.descriptor);
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || !listens)
    return Error(Errc::config, "the descriptor " + std::to_string(inherited.descriptor) + " that was handed down is no listening socket");
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC) != 0)
    return Error(Errc::io, std::string("cannot use the socket that was handed down: ") + std::strerror(errno));
  return Listening{std::move(socket)};
}

std::uint16_t port_of(int socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  if (bound.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(bound).sin_port);
  if (bound.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
  return 0;
}

}  // namespace cleanerd::http
