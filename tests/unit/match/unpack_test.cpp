#include "match/unpack.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "unit/match/pack.hpp"

namespace cleanerd::match {
namespace {

struct Collected : UnpackSink {
  Files files;
  Files problems;
  std::uint64_t total = 0;
  bool keep = true;
  std::string current;
  void begin(const std::string& path) override { files[current = path]; }
  void bytes(std::span<const char> part) override {
    total += part.size();
    if (keep) files[current].append(part.data(), part.size());
  }
  void end() override {}
  void unread(const std::string& path, const std::string& reason) override { problems[path] = reason; }
  void damaged(const std::string& path) override { problems[path] = "damaged"; }
};

Collected unpacked(std::string_view bytes, const UnpackLimits& limits = {}, bool keep = true) {
  Collected out;
  out.keep = keep;
  const ByteSource source = [&](std::span<char> room) {
    const std::size_t size = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), size);
    bytes.remove_prefix(size);
    return static_cast<std::ptrdiff_t>(size);
  };
  unpack("f", source, limits, out);
  return out;
}

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(Unpack, OpensEachKindOfContainer) {
  const Files files{{"a/b.txt", "content"}};
  for (const int filter : {ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_BZIP2})
    EXPECT_THAT(unpacked(pack(&archive_write_set_format_ustar, filter, files)).files, ElementsAre(Pair("f!a/b.txt", "content"))) << filter;
  EXPECT_THAT(unpacked(pack(&archive_write_set_format_zip, ARCHIVE_FILTER_NONE, files)).files, testing::Contains(Pair("f!a/b.txt", "content")));
  for (const int filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_BZIP2})
    EXPECT_THAT(unpacked(pack(&archive_write_set_format_raw, filter, {{"x", "content"}})).files, ElementsAre(Pair("f", "content"))) << filter;
}

TEST(Unpack, ReadsWhatFollowsTheEnd) {
  const Files files{{"a", "content"}};
  const auto expect_rest = [](const std::string& container, const std::string& name) {
    for (const std::string& rest : {std::string("the rest"), std::string(100'000, 'r')}) {
      const auto out = unpacked(container + rest);
      EXPECT_THAT(out.problems, IsEmpty()) << name;
      const auto found = out.files.find("f!(behind its end)");
      ASSERT_NE(found, out.files.end()) << name;
      EXPECT_TRUE(found->second.ends_with(rest)) << name;
    }
  };
  expect_rest(pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_NONE, files), "tar");
  expect_rest(pack(&archive_write_set_format_zip, ARCHIVE_FILTER_NONE, files), "zip");
  for (const int filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_BZIP2})
    expect_rest(pack(&archive_write_set_format_raw, filter, {{"x", "content"}}), std::to_string(filter));
  const std::string tar = pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_NONE, files);
  expect_rest(tar + std::string(100'000, '\0'), "a filled-up tar");
  EXPECT_THAT(unpacked(tar + std::string(100'000, '\0')).files, ElementsAre(Pair("f!a", "content")));
}

TEST(Unpack, OpensAPackageWithin) {
  const std::string deb = debian_package({{"./etc/x", "secret"}});
  EXPECT_THAT(unpacked(deb).files, ElementsAre(Pair("f!data.tar.xz!./etc/x", "secret"), Pair("f!debian-binary", "2.0\n")));
}

TEST(Unpack, StopsAtTheDepthAndSaysSo) {
  std::string inner = pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_NONE, {{"x", "content"}});
  for (int i = 0; i < 64; ++i) inner = pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_GZIP, {{"x", inner}});
  const Collected out = unpacked(inner);
  EXPECT_EQ(out.problems.size(), 1u);
  EXPECT_EQ(out.problems.begin()->second, "a container within 3 others");
}

TEST(Unpack, EndsABombAsUnread) {
  const std::string bomb = pack(&archive_write_set_format_raw, ARCHIVE_FILTER_BZIP2, {{"x", std::string(200u << 20, '\0')}});
  const Collected out = unpacked(bomb, {}, false);
  ASSERT_THAT(out.problems, ElementsAre(Pair("f", "it unpacks to more than 1000 times its size")));
  EXPECT_LE(out.total, 65u << 20);
  UnpackLimits small;
  small.max_bytes = 1 << 20;
  EXPECT_THAT(unpacked(bomb, small, false).problems, ElementsAre(Pair("f", "it unpacks to more than 1 MiB")));
}

TEST(Unpack, SaysWhatIsDamaged) {
  std::string bytes = pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_GZIP, {{"x", std::string(100000, 'a') + "b"}});
  bytes.resize(bytes.size() / 2);
  EXPECT_FALSE(unpacked(bytes).problems.empty());
  EXPECT_FALSE(unpacked(std::string("PK\x03\x04") + std::string(600, 'x')).problems.empty());
}

TEST(Unpack, LeavesOtherFilesAlone) {
  for (const std::string& bytes : {std::string(), std::string("plain text"), std::string(4096, 'x'), std::string(600, '\0')}) {
    const Collected out = unpacked(bytes);
    EXPECT_THAT(out.files, IsEmpty());
    EXPECT_THAT(out.problems, IsEmpty());
  }
}

}  // namespace
}  // namespace cleanerd::match
