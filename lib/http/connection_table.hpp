// The connections that are open, and who may have another one. For the event loop's thread, but for `size`.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>

#include "http/connection.hpp"

namespace cleanerd::http {

class ConnectionTable {
 public:
  explicit ConnectionTable(const Limits& limits) : limits_(limits) {}

  // Where no more may be, the one that has waited longest for a request gives way. False when all are busy.
  bool make_room(const std::optional<Peer>& peer);
  void add(const std::shared_ptr<Connection>& connection, const std::optional<Peer>& peer);
  void remove(Connection& connection);

  void finish_all();
  void close_all();
  std::size_t size() const { return count_; }

 private:
  // All clients over TCP count as one user: they must not take the places of those on the Unix socket.
  using User = std::optional<uid_t>;
  struct Entry {
    std::shared_ptr<Connection> connection;
    User user;
  };
  bool evict(const User* user);
  std::vector<std::shared_ptr<Connection>> all() const;

  const Limits& limits_;
  std::unordered_map<Connection*, Entry> entries_;
  std::map<User, std::size_t> per_user_;
  std::atomic<std::size_t> count_ = 0;
};

}  // namespace cleanerd::http
