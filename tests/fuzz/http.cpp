// Any bytes from a client: each answer is one of HTTP/1.1, whole, and the connection is closed after the last.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <thread>

#include "unit/http/served.hpp"

namespace {

using namespace cleanerd::test;

Router routes() {
  Router router = echo_router();
  router.add("GET", "/stream/{count}", [](Request request, Responder responder) {
    responder.begin(200, "application/x-ndjson");
    for (std::size_t i = 0; i < request.capture("count").size(); ++i) responder.write("{}\n");
    responder.end();
  });
  return router;
}

Server& server() {
  static Server* started = [] {
    auto* server = new Server({});
    server->start();
    return server;
  }();
  return *started;
}

// What follows the last whole answer must be nothing. The answer to HEAD has no body, which only the client knows; none is sent here
// that could be taken for it.
bool are_answers(HttpClient& client, bool heads) {
  for (;;) {
    const Answer answer = client.receive(!heads);
    if (answer.status == 0) return client.is_closed();
    if (answer.status < 100 || answer.status > 599 || !answer.complete) return false;
    if (heads) return client.is_closed();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  server().adopt(ends[0], routes());
  HttpClient client{cleanerd::Descriptor(ends[1])};
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const bool bodiless = bytes.find("HEAD") != std::string_view::npos || bytes.find("xpect") != std::string_view::npos;
  std::thread sender([&] {
    client.send(bytes);
    client.end_sending();
  });
  const bool well = are_answers(client, bodiless);
  sender.join();
  if (!well) std::abort();
  return 0;
}
