#include "base/secret_value.hpp"

#include <gtest/gtest.h>

#include <concepts>
#include <ostream>
#include <set>

#include "support/builders.hpp"

namespace cleanerd {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(Streamable<std::string> && !Streamable<SecretValue>);
static_assert(!std::convertible_to<SecretValue, std::string> && !std::convertible_to<SecretValue, std::string_view>);
static_assert(!std::convertible_to<std::string, SecretValue>);

TEST(Mask, ShowsAtMostTwoCharactersAtEachEndOfTwelveOrMore) {
  struct Row {
    const char* name;
    std::string_view secret;
    const char* expected;
  };
  const Row rows[] = {
      {"nothing", "", "****"},
      {"short", "abc", "****"},
      {"eleven", "abcdefghijk", "****"},
      {"twelve", "abcdefghijkl", "ab****kl"},
      {"long", "abcdefghijklmnopqrstuvwxyz", "ab****yz"},
      {"a cut through a character would be no text", "äbcdefghijklm", "****"},
      {"a control character", "\x1b" "bcdefghijklmn", "****"},
      {"a space", "two words and more", "****"},
  };
  for (const Row& row : rows) EXPECT_EQ(mask(SecretValue(row.secret)), row.expected) << row.name;
}

TEST(Mask, HidesTheLength) { EXPECT_EQ(mask(SecretValue("abcdefghijkl")).size(), mask(SecretValue(std::string(500, 'x'))).size()); }

TEST(Fingerprint, IsStableForOneKeyAndDiffersBetweenValuesAndKeys) {
  Fingerprinter::Key key{}, other{};
  other[31] = 1;
  const Fingerprinter with_key(key), with_other(other);
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    const SecretValue secret(test::new_secret());
    const std::string fingerprint = with_key(secret);
    EXPECT_EQ(fingerprint, Fingerprinter(key)(SecretValue(secret)));
    EXPECT_NE(fingerprint, with_other(secret));
    EXPECT_EQ(fingerprint.size(), 24u);
    EXPECT_EQ(fingerprint.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_TRUE(seen.insert(fingerprint).second);
  }
}

TEST(Fingerprint, IsHmacSha256) {
  // RFC 4231 test case 1's data under a key of 32 bytes 0x0b; openssl dgst -mac HMAC gives the same.
  Fingerprinter::Key key;
  key.fill(0x0b);
  EXPECT_EQ(Fingerprinter(key)(SecretValue("Hi There")), "198a607eb44bfbc69903a0f1");
}

TEST(Sha256Hex, MatchesTheStandardsExample) {  // FIPS 180-2, B.1
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(SecretValue, KeepsItsBytesThroughCopiesAndMoves) {
  const SecretValue original("abc\0def");
  SecretValue copy = original;
  SecretValue moved = std::move(copy);
  SecretValue assigned("x");
  assigned = moved;
  SecretValue move_assigned("y");
  move_assigned = std::move(moved);
  EXPECT_EQ(assigned, original);
  EXPECT_EQ(move_assigned, original);
  const SecretValue& self = assigned;
  assigned = self;
  EXPECT_EQ(assigned, original);
}

}  // namespace
}  // namespace cleanerd
