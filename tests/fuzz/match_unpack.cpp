// Any bytes as a container: no crash, no hang, no more than the limits allow.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "match/unpack.hpp"

namespace {

struct Counting : cleanerd::match::UnpackSink {
  std::uint64_t total = 0;
  void begin(const std::string&) override {}
  void bytes(std::span<const char> part) override { total += part.size(); }
  void end() override {}
  void unread(const std::string&, const std::string&) override {}
  void damaged(const std::string&) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cleanerd::match;
  UnpackLimits limits;
  limits.max_bytes = 4 << 20;
  limits.max_entries = 1000;
  Counting sink;
  std::size_t at = 0;
  unpack("f", [&](std::span<char> room) {
    const std::size_t n = std::min(room.size(), size - at);
    if (n > 0) std::memcpy(room.data(), data + at, n);
    at += n;
    return static_cast<std::ptrdiff_t>(n);
  }, limits, sink);
  if (sink.total > limits.max_bytes) std::abort();
  return 0;
}
