#include "scrub/scrub.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/secret_value.hpp"
#include "storage/bbolt.hpp"

namespace cleanerd::scrub {
namespace {

using storage::bbolt::ByteRange;
using storage::bbolt::kHeaderSize;
using storage::bbolt::kMetaSize;

void append(std::string& text, std::string_view part) {
  const std::uint64_t size = part.size();
  text.append(reinterpret_cast<const char*>(&size), sizeof size);
  text += part;
}

Result<std::string> digest_of(storage::View& view) {
  std::string digest;
  auto done = view.for_each_deep([&](std::span<const std::string> path, const storage::BoltEntry& entry) -> Status {
    std::string text = digest;
    for (const std::string& part : path) append(text, part);
    append(text, entry.bucket ? "bucket" : "value");
    append(text, entry.key);
    append(text, entry.value);
    digest = sha256_hex(text);
    return {};
  });
  if (!done) return std::move(done).error();
  return digest;
}

bool is_zero(std::string_view bytes) { return bytes.find_first_not_of('\0') == std::string_view::npos; }

// The free bytes page by page: each piece lies in one page.
Status for_each_piece(const Database& database, const Contents& contents, const std::function<Status(std::uint64_t at, std::string_view)>& visit) {
  std::string buffer(contents.meta.page_size, '\0');
  for (const ByteRange& range : contents.free.ranges) {
    for (std::uint64_t at = range.first, end = range.first + range.size; at < end;) {
      const std::uint64_t size = std::min(end - at, contents.meta.page_size - at % contents.meta.page_size);
      const std::span<char> piece = std::span(buffer).first(static_cast<std::size_t>(size));
      auto got = storage::read_at(database.file, at, piece, database.name);
      if (!got) return std::move(got).error();
      if (Status done = visit(at, std::string_view(piece.data(), *got)); !done) return done;
      at += size;
    }
  }
  return {};
}

Status write_at(const Database& database, std::uint64_t at, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(database.file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return storage::file_error(database.name, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    at += static_cast<std::uint64_t>(count);
  }
  return {};
}

// The older meta page leads to pages that are about to be zero, so it becomes a copy of the newest, as bbolt's own tool leaves them
// (surgery revert-meta-page). The next transaction writes over one of the two either way.
Status settle_meta_pages(const Database& database, const storage::bbolt::Meta& newest) {
  using Page = std::array<char, kMetaSize>;
  std::array<Page, 2> pages{};
  std::array<bool, 2> is_newest{};
  for (std::size_t i = 0; i < 2; ++i) {
    auto got = storage::read_at(database.file, i * newest.page_size, pages[i], database.name);
    if (!got) return std::move(got).error();
    is_newest[i] = storage::bbolt::decode_meta({pages[i].data(), *got}) == newest;
  }
  if (is_newest[0] == is_newest[1]) return is_newest[0] ? Status() : Error(Errc::protocol, database.name + ": its newest meta page has moved");
  const std::uint64_t older = is_newest[0] ? 1 : 0;
  Page copy = pages[1 - older];
  std::memcpy(copy.data(), &older, sizeof older);
  return write_at(database, older * newest.page_size, {copy.data(), copy.size()});
}

Status to_disk(const Database& database) {
  if (::fsync(database.file.get()) != 0) return storage::file_error(database.name, errno);
  ::posix_fadvise(database.file.get(), 0, 0, POSIX_FADV_DONTNEED);  // what is read next comes from the disk
  return {};
}

}  // namespace

Result<Contents> look_into(const Database& database) {
  const int copy = ::fcntl(database.file.get(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return storage::file_error(database.name, errno);
  const auto bolt = storage::Bolt::adopt(storage::Descriptor(copy), database.name);
  return bolt.read([&](storage::View& view) -> Result<Contents> {
    Contents contents;
    contents.meta = view.meta();
    auto free = view.free_bytes();
    if (!free) return std::move(free).error();
    contents.free = std::move(*free);
    auto digest = digest_of(view);
    if (!digest) return std::move(digest).error();
    contents.digest = std::move(*digest);
    std::uint64_t page = 0;
    auto read = for_each_piece(database, contents, [&](std::uint64_t at, std::string_view piece) -> Status {
      if (is_zero(piece)) return {};
      contents.old_bytes += piece.size();
      if (contents.old_pages == 0 || page != at / contents.meta.page_size) ++contents.old_pages;
      page = at / contents.meta.page_size;
      return {};
    });
    if (!read) return std::move(read).error();
    return contents;
  });
}

Result<LastWrite> last_write(const Database& database) {
  const int copy = ::fcntl(database.file.get(), F_DUPFD_CLOEXEC, 0);
  struct stat status {};
  if (copy < 0 || ::fstat(database.file.get(), &status) != 0) return storage::file_error(database.name, errno);
  const auto newest = storage::bbolt::newest_meta({storage::Descriptor(copy), database.name});
  if (!newest) return newest.error();
  return LastWrite{newest->txid, Instant(std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::milliseconds(status.st_mtim.tv_nsec / 1'000'000))};
}

Status zero_free_bytes(const Database& database, const Contents& contents) {
  if (contents.old_bytes == 0) return {};
  if (Status settled = settle_meta_pages(database, contents.meta); !settled) return settled;
  if (Status written = to_disk(database); !written) return written;
  const std::string zeros(contents.meta.page_size, '\0');
  Status zeroed = for_each_piece(database, contents, [&](std::uint64_t at, std::string_view piece) -> Status {
    return is_zero(piece) ? Status() : write_at(database, at, std::string_view(zeros).substr(0, piece.size()));
  });
  if (!zeroed) return zeroed;
  if (Status written = to_disk(database); !written) return written;
  auto after = look_into(database);
  if (!after) return std::move(after).error();
  if (after->digest != contents.digest) return Error(Errc::io, database.name + ": its keys and values are not what they were");
  if (after->old_bytes != 0) return Error(Errc::io, database.name + ": old bytes are still there after they were written over");
  return {};
}

std::function<std::ptrdiff_t(std::span<char>)> only_free_bytes(const Database& database, const Contents& contents) {
  return [&database, &contents, at = std::uint64_t{0}](std::span<char> out) mutable -> std::ptrdiff_t {
    auto got = storage::read_at(database.file, at, out, database.name);
    if (!got) return -1;
    std::uint64_t live = at;  // what is before it is settled
    const std::uint64_t end = at + *got;
    const auto clear = [&](std::uint64_t from, std::uint64_t to) { std::fill(out.begin() + static_cast<std::ptrdiff_t>(from - at), out.begin() + static_cast<std::ptrdiff_t>(to - at), '\0'); };
    auto range = std::ranges::partition_point(contents.free.ranges, [&](const ByteRange& r) { return r.first + r.size <= at; });
    for (; range != contents.free.ranges.end() && range->first < end; ++range) {
      if (range->first > live) clear(live, range->first);
      live = std::min(end, range->first + range->size);
    }
    clear(live, end);
    at = end;
    return static_cast<std::ptrdiff_t>(*got);
  };
}

}  // namespace cleanerd::scrub
