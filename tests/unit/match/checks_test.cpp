#include "match/checks.hpp"

#include <gtest/gtest.h>

namespace cleanerd::match {
namespace {

TEST(Mixed, IsWhatChangesOftenAndLongHexadecimalDigits) {
  for (const char* value : {"k3J9x2Pq7LmZ4tRv", "0011223344556677889900aabbccddeeff", "ABCDEFABCDEF01234567890123456789"}) EXPECT_TRUE(passes(Check::mixed, value)) << value;
  for (const char* value : {"get_password_from_user", "01234567890123456789012345678901", "password2024", "0011223344556677aabb"})
    EXPECT_FALSE(passes(Check::mixed, value)) << value;
}

}  // namespace
}  // namespace cleanerd::match
