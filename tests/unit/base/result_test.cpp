#include "base/result.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace cleanerd {
namespace {

TEST(Error, GainsWhatWasBeingDone) {
  const Error error = Error(Errc::timeout, "no answer in 30 s").within("list images").within("scan");
  EXPECT_EQ(error.message(), "scan: list images: no answer in 30 s");
  EXPECT_EQ(error.code(), Errc::timeout);
}

TEST(Result, HoldsAValueOrAnError) {
  Result<std::string> good(std::string("x"));
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, "x");
  EXPECT_EQ(good->size(), 1u);
  const Result<std::string> bad(Error(Errc::io, "no"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), Errc::io);
  EXPECT_EQ(Result<int>(Error(Errc::io, "no")).value_or(7), 7);
}

TEST(Result, GivesAMoveOnlyValueAway) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 3);
}

TEST(Status, IsGoodUnlessItHoldsAnError) {
  EXPECT_TRUE(Status());
  EXPECT_FALSE(Status(Error(Errc::usage, "no")));
}

}  // namespace
}  // namespace cleanerd
