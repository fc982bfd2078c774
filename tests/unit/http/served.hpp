// A server on a Unix socket in a directory of its own, and what a test needs to wait for.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "http/server.hpp"
#include "support/files.hpp"
#include "unit/http/http_client.hpp"

namespace cleanerd::test {

using http::Request;
using http::Responder;
using http::Router;
using http::Server;
using http::Work;
using std::chrono::milliseconds;

// "/echo" tells what it got, "/body" gives the body back, "/big" is 1 MiB, more than a socket takes at once.
inline Router echo_router() {
  Router router;
  router.add("GET", "/echo", [](Request request, Responder responder) {
    std::string text = request.method + " " + request.path;
    for (const auto& [name, value] : request.query) text += " " + name + "=" + value;
    responder.send(200, "text/plain", text);
  });
  router.add("POST", "/body", [](Request request, Responder responder) {
    responder.send(200, "application/octet-stream", std::string(view_of(request.body)));
  });
  router.add("GET", "/big", [](Request, Responder responder) { responder.send(200, "text/plain", std::string(1u << 20, 'x')); });
  return router;
}

class Served {
 public:
  explicit Served(Router router = echo_router(), Server::Options options = {}) : server_(std::move(options)) {
    const Status listening = server_.listen(http::UnixAddress{path()}, std::move(router));
    if (!listening) throw std::runtime_error(listening.error().message());
    server_.start();
  }
  std::string path() const { return directory_.path() / "http.sock"; }
  const fs::path& directory() const { return directory_.path(); }
  HttpClient connect() const { return HttpClient(path()); }
  Server& server() { return server_; }
  Server* operator->() { return &server_; }

 private:
  TempDir directory_;
  Server server_;
};

// A test that fails waits for 20 s, one that passes not longer than it must.
inline bool eventually(const std::function<bool()>& holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return holds();
}

class Event {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) count += !entry.path().empty();
  return count;
}

}  // namespace cleanerd::test
