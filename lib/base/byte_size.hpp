#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cleanerd {

struct ByteSize {
  std::int64_t bytes = 0;

  ByteSize& operator+=(ByteSize other) {
    bytes += other.bytes;
    return *this;
  }
  friend auto operator<=>(ByteSize, ByteSize) = default;
};

// Of a file system; what only root may still fill is not free.
struct DiskSpace {
  ByteSize total, free;
};

// IEC units, one decimal: "1.5 MiB".
std::string to_string(ByteSize size);

// As Docker reads sizes of its cache (go-units, RAMInBytes): "20GB", "1.5 gib", "512m", "4096". k, kB and KiB are all 1024 bytes.
std::optional<ByteSize> parse_byte_size(std::string_view text);
// The same, exact and short: "20GiB", "1537B".
std::string format_byte_size(ByteSize size);

}  // namespace cleanerd
