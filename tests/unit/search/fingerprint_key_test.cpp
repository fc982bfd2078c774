#include "search/fingerprint_key.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/files.hpp"

namespace cleanerd::search {
namespace {

TEST(FingerprintKey, IsMadeOnFirstUseForItsOwnerAloneAndStays) {
  const test::TempDir directory;
  const std::string state = (directory.path() / "new/state").string();
  const auto key = fingerprint_key(state);
  EXPECT_EQ(key, fingerprint_key(state));
  struct stat status {};
  ASSERT_EQ(::stat((state + "/fingerprint.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_EQ(status.st_size, 32);
}

TEST(FingerprintKey, DiffersBetweenHosts) {
  const test::TempDir one, other;
  EXPECT_NE(fingerprint_key(one.path().string()), fingerprint_key(other.path().string()));
}

TEST(FingerprintKey, IsOfThisRunAloneWhereItCannotBeKept) {
  EXPECT_NE(fingerprint_key("/proc/nowhere"), fingerprint_key("/proc/nowhere"));
}

}  // namespace
}  // namespace cleanerd::search
