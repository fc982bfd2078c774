// Containers of bytes: compressed files and archives, opened within one another, streamed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace cleanerd::match {

struct UnpackLimits {
  int depth = 3;                                        // containers within containers
  std::uint64_t max_bytes = 16ull << 30;                // unpacked of one outer file
  std::uint64_t max_ratio = 1000;                       // of unpacked to packed, once there is more than free_bytes
  std::uint64_t free_bytes = 64ull << 20;
  std::uint64_t max_entries = 1'000'000;
  std::chrono::milliseconds max_time{std::chrono::minutes(5)};
};

// What reads a stream: up to the size of the span; 0 at its end, negative on failure.
using ByteSource = std::function<std::ptrdiff_t(std::span<char>)>;

class UnpackSink {
 public:
  virtual ~UnpackSink() = default;
  // A member's own bytes, which may be a container again; `path` is "outer.tar.gz!inner/file", or that of
  // the compressed file itself.
  virtual void begin(const std::string& path) = 0;
  virtual void bytes(std::span<const char> bytes) = 0;
  virtual void end() = 0;
  // What a limit or encryption kept from being read to its end.
  virtual void unread(const std::string& path, const std::string& reason) = 0;
  // What begins as a container and is none, or a broken one: nobody can read more of it than its bytes as they are.
  virtual void damaged(const std::string& path) = 0;
  // Of each member of an archive, whatever it is: what of its name the member before had not, and what a link points to; between two members.
  virtual void name(const std::string&, std::string_view) {}
  virtual bool cancelled() { return false; }
};

// Whether the first bytes (262 are enough) are those of a container that unpack() opens.
bool is_container(std::string_view head);

// Hands out what the container `source` holds; nothing when it is none. Memory does not grow with the content.
void unpack(const std::string& path, const ByteSource& source, const UnpackLimits& limits, UnpackSink& sink);

}  // namespace cleanerd::match
