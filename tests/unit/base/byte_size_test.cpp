#include "base/byte_size.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace cleanerd {
namespace {

TEST(ByteSize, IsWrittenInTheLargestFittingIecUnit) {
  struct Row {
    std::int64_t bytes;
    const char* expected;
  };
  const Row rows[] = {
      {0, "0 B"},
      {1023, "1023 B"},
      {1024, "1.0 KiB"},
      {1536, "1.5 KiB"},
      {1 << 20, "1.0 MiB"},
      {40'000'000, "38.1 MiB"},  // 40e6 / 2^20 = 38.147
      {std::int64_t{5} << 30, "5.0 GiB"},
      {std::int64_t{1} << 50, "1.0 PiB"},
      {std::numeric_limits<std::int64_t>::max(), "8192.0 PiB"},
  };
  for (const Row& row : rows) EXPECT_EQ(to_string(ByteSize{row.bytes}), row.expected);
}

TEST(ByteSize, AddsAndCompares) {
  ByteSize sum{1};
  sum += ByteSize{2};
  EXPECT_EQ(sum, ByteSize{3});
  EXPECT_LT(ByteSize{1}, ByteSize{2});
}

}  // namespace
}  // namespace cleanerd
