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

TEST(ParseByteSize, ReadsSizesAsDockerDoesForItsCache) {
  struct Row {
    const char* text;
    std::int64_t bytes;
  };
  const Row rows[] = {
      {"0", 0},          {"4096", 4096},          {"1b", 1},           {"1k", 1024},  {"1kB", 1024}, {"1KiB", 1024}, {"1.5 GiB", 3LL << 29},
      {"20GB", 20LL << 30}, {"20gb", 20LL << 30}, {"2 m", 2LL << 20}, {"1T", 1LL << 40}, {"7PB", 7LL << 50}, {".5k", 512},
  };
  for (const Row& row : rows) EXPECT_EQ(parse_byte_size(row.text), ByteSize{row.bytes}) << row.text;
  for (const char* wrong : {"", "GB", "-1", "-1GB", "1 GB ", " 1", "1  GB", "1x", "1GBB", "1ib2", "10%", "nan", "inf", "1e3", "9000PB", "1,5GB"})
    EXPECT_FALSE(parse_byte_size(wrong)) << wrong;
}

TEST(FormatByteSize, IsExactAndCanBeRead) {
  EXPECT_EQ(format_byte_size({20LL << 30}), "20GiB");
  EXPECT_EQ(format_byte_size({1536}), "1536B");
  EXPECT_EQ(format_byte_size({0}), "0B");
  for (const std::int64_t bytes : {std::int64_t{1}, std::int64_t{1023}, std::int64_t{1024}, std::int64_t{3} << 29, std::int64_t{1} << 60})
    EXPECT_EQ(parse_byte_size(format_byte_size({bytes})), ByteSize{bytes});
}

TEST(ByteSize, AddsAndCompares) {
  ByteSize sum{1};
  sum += ByteSize{2};
  EXPECT_EQ(sum, ByteSize{3});
  EXPECT_LT(ByteSize{1}, ByteSize{2});
}

}  // namespace
}  // namespace cleanerd
