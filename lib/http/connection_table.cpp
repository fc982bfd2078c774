#include "http/connection_table.hpp"

namespace cleanerd::http {

bool ConnectionTable::make_room(const std::optional<Peer>& peer) {
  const User user = peer ? User(peer->uid) : std::nullopt;
  const auto of_user = per_user_.find(user);
  if (of_user != per_user_.end() && of_user->second >= limits_.connections_per_user && !evict(&user)) return false;
  return entries_.size() < limits_.connections || evict(nullptr);
}

void ConnectionTable::add(const std::shared_ptr<Connection>& connection, const std::optional<Peer>& peer) {
  const User user = peer ? User(peer->uid) : std::nullopt;
  entries_.emplace(connection.get(), Entry{connection, user});
  ++per_user_[user];
  count_ = entries_.size();
}

void ConnectionTable::remove(Connection& connection) {
  const auto found = entries_.find(&connection);
  if (found == entries_.end()) return;
  const auto of_user = per_user_.find(found->second.user);
  if (--of_user->second == 0) per_user_.erase(of_user);
  entries_.erase(found);
  count_ = entries_.size();
}

void ConnectionTable::finish_all() {
  for (const auto& connection : all()) connection->finish();
}

void ConnectionTable::close_all() {
  for (const auto& connection : all()) connection->close();
}

bool ConnectionTable::evict(const User* user) {
  std::shared_ptr<Connection> longest;
  for (const auto& [key, entry] : entries_) {
    if ((user && entry.user != *user) || !entry.connection->idle_since()) continue;
    if (!longest || entry.connection->idle_since() < longest->idle_since()) longest = entry.connection;
  }
  if (longest) longest->close();
  return longest != nullptr;
}

// A copy: what is closed leaves the table.
std::vector<std::shared_ptr<Connection>> ConnectionTable::all() const {
  std::vector<std::shared_ptr<Connection>> connections;
  for (const auto& [key, entry] : entries_) connections.push_back(entry.connection);
  return connections;
}

}  // namespace cleanerd::http
