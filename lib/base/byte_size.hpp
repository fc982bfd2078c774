#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace cleanerd {

struct ByteSize {
  std::int64_t bytes = 0;

  ByteSize& operator+=(ByteSize other) {
    bytes += other.bytes;
    return *this;
  }
  friend auto operator<=>(ByteSize, ByteSize) = default;
};

// IEC units, one decimal: "1.5 MiB".
std::string to_string(ByteSize size);

}  // namespace cleanerd
