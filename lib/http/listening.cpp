#include "http/listening.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

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

}  // namespace

Result<Listening> listen_at(const TcpAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* list = nullptr;
  if (::getaddrinfo(address.address.c_str(), std::to_string(address.port).c_str(), &hints, &list) != 0)
    return Error(Errc::config, "'" + address.address + "' is not a numeric IPv4 or IPv6 address");
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(list, &::freeaddrinfo);
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
