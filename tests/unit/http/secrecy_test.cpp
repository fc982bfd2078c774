// What a request's body holds does not stay in memory.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <random>

#include "unit/http/served.hpp"

namespace cleanerd::http {
namespace {

using namespace cleanerd::test;

// Known here only by its complement, so that what is found in memory is not the test's own copy.
class Planted {
 public:
  Planted() {
    std::random_device random;
    for (char& c : complement_) c = static_cast<char>(~('a' + static_cast<char>(random() % 26)));
  }
  bool send_to(HttpClient& client) const {
    bool sent = true;
    for (const char c : complement_) {
      const char plain = static_cast<char>(~c);
      sent = sent && client.send({&plain, 1});
    }
    return sent;
  }
  std::size_t size() const { return complement_.size(); }
  bool is(std::string_view text) const { return text.size() >= size() && is_at(text.data()); }

  // Once or twice each: blocks overlap by half.
  std::size_t copies_in_memory() const {
    std::size_t copies = 0;
    std::ifstream maps("/proc/self/maps");
    const Descriptor memory(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
    for (std::string line; std::getline(maps, line);) {
      unsigned long from = 0, to = 0;
      char mode[5] = {};
      if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, mode) != 3 || mode[0] != 'r' || mode[1] != 'w') continue;
      if (to - from < kLargest) copies += copies_in(memory, from, to);
    }
    return copies;
  }

 private:
  static constexpr unsigned long kLargest = 1ul << 30;  // a sanitizer's shadow is larger

  bool is_at(const char* place) const {
    for (std::size_t i = 0; i < size(); ++i)
      if (place[i] != static_cast<char>(~complement_[i])) return false;
    return true;
  }
  std::size_t copies_in(std::string_view block) const {
    std::size_t copies = 0;
    for (std::size_t at = 0; (at = block.find(static_cast<char>(~complement_[0]), at)) != std::string_view::npos; ++at)
      copies += is(block.substr(at));
    return copies;
  }
  // Each block is read into one of our own, which is not looked at itself.
  std::size_t copies_in(const Descriptor& memory, unsigned long from, unsigned long to) const {
    static SecretBytes block(1u << 20);
    const auto own = reinterpret_cast<unsigned long>(block.data());
    std::size_t copies = 0;
    for (unsigned long at = from; at < to; at += block.size() / 2) {
      const std::size_t length = std::min<std::size_t>(block.size(), to - at);
      if ((at < own + block.size() && own < at + length) || !is_resident(at, length)) continue;
      const ssize_t count = ::pread(memory.get(), block.data(), length, static_cast<off_t>(at));
      if (count > 0) copies += copies_in({block.data(), static_cast<std::size_t>(count)});
    }
    OPENSSL_cleanse(block.data(), block.size());
    return copies;
  }
  static bool is_resident(unsigned long at, std::size_t length) {
    static std::array<unsigned char, 256> pages;
    pages.fill(0);
    ::mincore(reinterpret_cast<void*>(at), length, pages.data());
    return std::ranges::any_of(pages, [](unsigned char page) { return page & 1; });
  }

  std::array<char, 48> complement_{};
};

TEST(Secrecy, NothingOfABodyStaysInMemory) {
  const Planted secret;
  std::atomic<std::size_t> while_handled = 0;
  Router router;
  router.add("POST", "/", [&](Request request, Responder responder) {
    while_handled = secret.is(view_of(request.body)) ? secret.copies_in_memory() : 0;
    request.body = SecretBytes();  // {} would only empty it
    responder.send(200, "text/plain", "");
  });
  Served served(std::move(router));
  auto client = served.connect();
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(secret.size()) + "\r\n\r\n");
  ASSERT_TRUE(secret.send_to(client));
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_GE(while_handled, 1u);
  EXPECT_LE(while_handled, 2u);
  EXPECT_EQ(secret.copies_in_memory(), 0u);

  client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n30\r\n");
  ASSERT_TRUE(secret.send_to(client));
  client.send("\r\n3\r\nabc\r\n0\r\n\r\n");
  EXPECT_EQ(client.receive().status, 200);
  EXPECT_GE(while_handled, 1u);
  EXPECT_LE(while_handled, 2u);
  EXPECT_EQ(secret.copies_in_memory(), 0u);
}

}  // namespace
}  // namespace cleanerd::http
