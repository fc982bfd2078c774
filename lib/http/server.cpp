#include "http/server.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <mutex>
#include <thread>
#include <typeinfo>

#include "http/acceptor.hpp"
#include "http/answer.hpp"
#include "http/connection_table.hpp"
#include "http/credentials.hpp"
#include "http/listening.hpp"

namespace cleanerd::http {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// One address. What names its file is used by any thread, under the lock.
struct Listener {
  std::shared_ptr<const Router> router;
  std::optional<UnixAddress> path{};
  mutable std::mutex mutex{};
  std::optional<FileIdentity> file{};
  Descriptor waiting{};  // until the server starts
  std::optional<Acceptor> acceptor{};

  bool is_in_place() const {
    const std::lock_guard lock(mutex);
    return !path || (file && is_at(path->path, *file));
  }
};

Result<Listening> open(const Address& address) {
  if (const auto* path = std::get_if<UnixAddress>(&address)) return listen_at(*path);
  if (const auto* tcp = std::get_if<TcpAddress>(&address)) return listen_at(*tcp);
  return take_over(std::get<InheritedSocket>(address));
}

Server::Options with_log(Server::Options options) {
  if (!options.log) options.log = [](const std::string&) {};
  return options;
}

// Without waiting: whoever does not take it does not need it.
void turn_away(const Descriptor& client) {
  const std::string answer = closing_answer(503, explanation(503));
  ::send(client.get(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

class Server::Impl final : public ConnectionOwner {
 public:
  explicit Impl(Options options)
      : options_(with_log(std::move(options))), table_(options_.limits), beat_(context_), work_(context_.get_executor()) {}

  Status listen(const Address& address, Router router) {
    auto listening = open(address);
    if (!listening) return std::move(listening).error();
    Listener& listener = listeners_.emplace_back();
    listener.router = std::make_shared<const Router>(std::move(router));
    if (const auto* path = std::get_if<UnixAddress>(&address)) listener.path = *path;
    if (std::holds_alternative<TcpAddress>(address) && port_ == 0) port_ = port_of(listening->socket.get());
    listener.file = listening->file;
    listener.waiting = std::move(listening->socket);
    return {};
  }

  void start() {
    quick_.emplace(options_.workers.quick, options_.limits.waiting_requests, options_.log);
    slow_.emplace(options_.workers.slow, options_.limits.waiting_requests, options_.log);
    for (Listener& listener : listeners_) accept_on(listener, std::move(listener.waiting));
    beat();
    thread_ = std::thread([this] { run(); });
  }

  void stop(milliseconds grace) {
    if (thread_.joinable()) {
      asio::post(context_, [this, grace] { on_stop(grace); });
      quick_->join();
      slow_->join();
      asio::post(context_, [this] { on_workers_ended(); });
      thread_.join();
    }
    const std::lock_guard lock(relisten_mutex_);
    for (Listener& listener : listeners_)
      if (listener.path && listener.file) remove_if_at(listener.path->path, *std::exchange(listener.file, std::nullopt));
    stopped_ = true;
  }

  void adopt(Descriptor socket, Router router) {
    ::fcntl(socket.get(), F_SETFL, ::fcntl(socket.get(), F_GETFL) | O_NONBLOCK);
    asio::post(context_, [this, socket = std::move(socket), router = std::make_shared<const Router>(std::move(router))]() mutable {
      serve(std::move(socket), router);
    });
  }

  bool path_is_ours() const {
    for (const Listener& listener : listeners_)
      if (!listener.is_in_place()) return false;
    return true;
  }

  Status relisten() {
    const std::lock_guard one_at_a_time(relisten_mutex_);
    if (stopped_) return {};
    for (Listener& listener : listeners_) {
      if (listener.is_in_place()) continue;
      auto listening = listen_at(*listener.path);
      if (!listening) return std::move(listening).error();
      const std::lock_guard lock(listener.mutex);
      listener.file = listening->file;
      asio::post(context_, [this, &listener, socket = std::move(listening->socket)]() mutable {
        if (!ending_) accept_on(listener, std::move(socket));
      });
    }
    return {};
  }

  std::uint64_t heartbeat() const { return heartbeat_; }
  std::size_t connections() const { return table_.size(); }
  std::uint16_t port() const { return port_; }

  const Limits& limits() const override { return options_.limits; }
  bool dispatch(Job job, Work work) override { return (work == Work::quick ? *quick_ : *slow_).submit(std::move(job)); }
  void closed(Connection& connection) override {
    table_.remove(connection);
    end_when_drained();
  }

 private:
  void run() {
    for (;;) {
      try {
        context_.run();
        return;
      } catch (const std::exception& error) {
        options_.log(std::string("the event loop goes on after ") + typeid(error).name());
      }
    }
  }

  void accept_on(Listener& listener, Descriptor socket) {
    const auto router = listener.router;
    Acceptor acceptor(context_, std::move(socket), [this, router](Descriptor client) { serve(std::move(client), router); }, options_.log);
    if (listener.acceptor) *listener.acceptor = std::move(acceptor);
    else listener.acceptor.emplace(std::move(acceptor));
  }

  void serve(Descriptor client, const std::shared_ptr<const Router>& router) {
    const auto peer = peer_of(client.get());
    if (ending_ || !table_.make_room(peer)) return turn_away(client);
    const auto connection = make_connection(context_, {std::move(client), peer, router}, *this);
    table_.add(connection, peer);
    connection->start();
  }

  void beat() {
    ++heartbeat_;
    beat_.expires_after(std::chrono::seconds(1));
    beat_.async_wait([this](error_code error) {
      if (!error && !ending_) beat();
    });
  }

  void on_stop(milliseconds grace) {
    ending_ = true;
    for (Listener& listener : listeners_) listener.acceptor.reset();
    table_.finish_all();
    beat_.expires_after(grace);
    beat_.async_wait([this](error_code) { table_.close_all(); });
  }

  void on_workers_ended() {
    work_.reset();
    workers_ended_ = true;
    end_when_drained();
  }

  // What the handlers answered last is on its way until the grace ends. Once all of it is delivered, nothing is left to wait for.
  void end_when_drained() {
    if (workers_ended_ && table_.size() == 0) beat_.cancel();
  }

  const Options options_;
  ConnectionTable table_;
  asio::io_context context_{1};
  asio::steady_timer beat_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::list<Listener> listeners_;
  std::optional<WorkerPool> quick_, slow_;
  std::thread thread_;
  std::atomic<std::uint64_t> heartbeat_ = 0;
  std::uint16_t port_ = 0;
  bool ending_ = false, workers_ended_ = false;  // of the event loop's thread
  std::mutex relisten_mutex_;
  bool stopped_ = false;  // under it
};

Server::Server(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Server::~Server() { stop(milliseconds(0)); }

Status Server::listen(const Address& address, Router router) { return impl_->listen(address, std::move(router)); }
void Server::start() { impl_->start(); }
void Server::stop(milliseconds grace) { impl_->stop(grace); }
void Server::adopt(int descriptor, Router router) { impl_->adopt(Descriptor(descriptor), std::move(router)); }
bool Server::path_is_ours() const { return impl_->path_is_ours(); }
Status Server::relisten() { return impl_->relisten(); }
std::uint64_t Server::heartbeat() const { return impl_->heartbeat(); }
std::size_t Server::connections() const { return impl_->connections(); }
std::uint16_t Server::port() const { return impl_->port(); }

}  // namespace cleanerd::http
