#include "match/unpack.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

namespace cleanerd::match {
namespace {

using Files = std::map<std::string, std::string>;

std::string pack(int (*format)(archive*), int filter, const Files& files) {
  std::string out(files.empty() ? 4096 : 1 << 20, '\0');
  for (const auto& [name, content] : files) out.resize(out.size() + content.size() + 4096);
  std::size_t used = 0;
  archive* writer = archive_write_new();
  format(writer);
  archive_write_add_filter(writer, filter);
  archive_write_open_memory(writer, out.data(), out.size(), &used);
  for (const auto& [name, content] : files) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, name.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_write_header(writer, entry);
    archive_write_data(writer, content.data(), content.size());
    archive_entry_free(entry);
  }
  archive_write_free(writer);
  out.resize(used);
  return out;
}

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
  EXPECT_THAT(unpacked(pack(&archive_write_set_format_zip, ARCHIVE_FILTER_NONE, files)).files, ElementsAre(Pair("f!a/b.txt", "content")));
  for (const int filter : {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD, ARCHIVE_FILTER_XZ, ARCHIVE_FILTER_BZIP2})
    EXPECT_THAT(unpacked(pack(&archive_write_set_format_raw, filter, {{"x", "content"}})).files, ElementsAre(Pair("f", "content"))) << filter;
}

TEST(Unpack, OpensAPackageWithin) {
  const std::string data = pack(&archive_write_set_format_ustar, ARCHIVE_FILTER_XZ, {{"./etc/x", "secret"}});
  const std::string deb = pack(&archive_write_set_format_ar_svr4, ARCHIVE_FILTER_NONE, {{"data.tar.xz", data}, {"debian-binary", "2.0\n"}});
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
