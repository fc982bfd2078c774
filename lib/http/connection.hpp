// One client's connection, on the event loop's thread.
#pragma once

#include <chrono>
#include <memory>
#include <optional>

#include "base/descriptor.hpp"
#include "http/router.hpp"
#include "http/server.hpp"
#include "http/worker_pool.hpp"

namespace boost::asio {
class io_context;
}

namespace cleanerd::http {

class Connection {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  // No further request: closes unless one is being answered, and tells that one's handler.
  virtual void finish() = 0;
  virtual void close() = 0;
  // Since when nothing is being done here that closing would disturb; none while something is.
  virtual std::optional<std::chrono::steady_clock::time_point> idle_since() const = 0;
};

// The server, as a connection sees it; outlives it.
class ConnectionOwner {
 public:
  virtual const Limits& limits() const = 0;
  virtual bool dispatch(Job job, Work work) = 0;
  virtual void closed(Connection& connection) = 0;  // lets go of it

 protected:
  ~ConnectionOwner() = default;
};

struct Client {
  Descriptor socket;  // non-blocking
  std::optional<Peer> peer;
  std::shared_ptr<const Router> router;  // the listener's, which all its connections share
};

std::shared_ptr<Connection> make_connection(boost::asio::io_context& context, Client client, ConnectionOwner& owner);

}  // namespace cleanerd::http
