// A small HTTP/1.1 server (RFC 9112) for local clients: one thread runs the event loop, a few more run the handlers.
// Nothing that a client does makes it throw, grow without bound or stop serving others.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "http/router.hpp"

namespace cleanerd::http {

using std::chrono::milliseconds;

struct Limits {
  std::size_t header_bytes = 16u << 10;  // request line and fields; 431 beyond
  std::size_t body_bytes = 1u << 20;     // 413 beyond
  std::size_t connections = 512;         // 503 beyond, once those that wait for a next request are closed; half of systemd's 1024 descriptors
  std::size_t connections_per_user = 256;
  std::size_t waiting_requests = 64;     // for a worker, of each kind; 503 beyond
  milliseconds header_time{10'000};      // for the whole of it, from its first byte; 408 beyond, as for the body
  milliseconds body_time{30'000};
  milliseconds write_time{30'000};       // in which a client must take 64 KiB, or what is left, of what is written to it
  milliseconds idle_time{60'000};        // without a request
};

struct Workers {
  unsigned slow = 8;
  unsigned quick = 2;
};

// A stale socket at the path (nothing answers on it) is replaced; a server that answers is Errc::conflict, a file of another kind
// Errc::io. The group is given the socket if it exists and this process may do so. The path is removed at the end.
struct UnixAddress {
  std::string path;
  std::string group{};  // by name; empty: the process's own
  mode_t mode = 0660;
};

// An absolute path that a Unix socket's address has room for (107 bytes) and that names a file.
bool is_socket_path(std::string_view path);

// A numeric address, IPv4 or IPv6 without brackets; port 0 is any that is free.
struct TcpAddress {
  std::string address;
  std::uint16_t port;
};

// "127.0.0.1:9798", "[::1]:9798". nullopt for all else: a name, an IPv6 address without brackets, no port, one above 65535.
std::optional<TcpAddress> parse_tcp_address(std::string_view text);

// Listens already (systemd's socket activation, sd_listen_fds(3)); closed by the server, its path stays.
struct InheritedSocket {
  int descriptor;
};

using Address = std::variant<UnixAddress, TcpAddress, InheritedSocket>;

class Server {
 public:
  struct Options {
    Limits limits{};
    Workers workers{};
    // What an operator should know (a handler that threw, no descriptor left); never what a client sent. Called on any thread.
    std::function<void(const std::string&)> log{};
  };
  explicit Server(Options options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // stop(0)

  // Before `start`. Errors say address and cause.
  Status listen(const Address& address, Router router);
  void start();
  // No new connections or requests; handlers at work see their stop, and connections that still have no answer after `grace` are
  // closed. Waits for the handlers to return. A second call does nothing.
  void stop(milliseconds grace);

  // A connected socket served as if it had been accepted here: a socketpair's end. Closed by the server. After `start`.
  void adopt(int descriptor, Router router);

  // False when a Unix socket's path is gone or another file's; cheap. `relisten` then makes it anew, under the rules of UnixAddress;
  // connections stay. Any thread.
  bool path_is_ours() const;
  Status relisten();

  // Goes up by one each second while the event loop runs.
  std::uint64_t heartbeat() const;
  std::size_t connections() const;
  std::uint16_t port() const;  // of the first TcpAddress; 0 without one

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cleanerd::http
