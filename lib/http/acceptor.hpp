// Takes the connections that come to a listening socket, on the event loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/descriptor.hpp"

namespace boost::asio {
class io_context;
}

namespace cleanerd::http {

class Acceptor {
 public:
  using Accept = std::function<void(Descriptor client)>;
  using Log = std::function<void(const std::string&)>;
  // Begins at once; ends with its owner, what waits in the socket's queue included.
  Acceptor(boost::asio::io_context& context, Descriptor socket, Accept accept, Log log);
  Acceptor(Acceptor&&) noexcept;
  Acceptor& operator=(Acceptor&&) noexcept;
  ~Acceptor();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace cleanerd::http
