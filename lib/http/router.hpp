// Which handler answers which request.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"
#include "http/responder.hpp"

namespace cleanerd::http {

// Runs on a worker thread, several at once. What it throws becomes a 500 that says no more than that.
using Handler = std::function<void(Request request, Responder responder)>;

enum class Work {
  quick,  // never waits: served at once even while all the other workers wait
  slow,   // may take minutes
};

// Patterns are paths whose segments are literal or `{name}`, which is any one segment: "/v1/sessions/{id}". A segment is matched
// after percent-decoding, so `%2F` is part of it. Where several fit, the first that was added answers.
class Router {
 public:
  Router& add(std::string method, std::string_view pattern, Handler handler, Work work = Work::slow);

  struct Match {
    unsigned status;  // 200, or 404 or 405 without a handler
    const Handler* handler = nullptr;
    Work work = Work::quick;
    Parameters captures{};
    std::string allow{};  // with 405: "GET, HEAD, POST"
  };
  // HEAD is answered by GET's handler, without the body.
  Match find(std::string_view method, std::string_view path) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    Handler handler;
    Work work;
  };
  std::vector<Route> routes_;
};

}  // namespace cleanerd::http
