#include "storage/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <limits>
#include <system_error>

namespace cleanerd::storage {

namespace {

Stamp stamp_at(int directory, const char* path) {
  struct statx status {};
  if (::statx(directory, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) return {};
  const std::array<std::uint64_t, 8> parts{status.stx_dev_major,     status.stx_dev_minor,      status.stx_ino,           static_cast<std::uint64_t>(status.stx_btime.tv_sec),
                                           status.stx_btime.tv_nsec, static_cast<std::uint64_t>(status.stx_ctime.tv_sec), status.stx_ctime.tv_nsec, status.stx_size};
  const std::string_view bytes(reinterpret_cast<const char*>(parts.data()), sizeof parts);
  return {std::max<std::uint64_t>(std::hash<std::string_view>{}(bytes), 1), S_ISDIR(status.stx_mode)};
}

}  // namespace

Error file_error(std::string_view path, int number) {
  const Errc code = number == ENOENT || number == ENOTDIR ? Errc::not_found : Errc::io;
  return Error(code, std::string(path) + ": " + std::generic_category().message(number));
}

namespace {

// `size`, unless null: of the file when it was opened.
Result<Descriptor> open_regular(int directory, const std::string& path, std::size_t* size) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  int number = ::openat(directory, path.c_str(), kFlags | O_NOATIME);
  if (number < 0 && errno == EPERM) number = ::openat(directory, path.c_str(), kFlags);  // O_NOATIME is the owner's or root's
  if (number < 0) return file_error(path, errno);
  Descriptor file(number);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return file_error(path, errno);
  if (!S_ISREG(status.st_mode)) return Error(Errc::io, path + ": not a regular file");
  if (size) *size = static_cast<std::size_t>(status.st_size);
  return file;
}

Result<std::string> read_small(int directory, const std::string& path, std::size_t limit) {
  std::size_t size = 0;
  auto file = open_regular(directory, path, &size);
  if (!file) return std::move(file).error();
  if (size > limit) return Error(Errc::too_large, path + ": larger than expected");
  std::string content(size, '\0');
  auto filled = read_at(*file, 0, content, path);
  if (!filled) return std::move(filled).error();
  content.resize(*filled);
  return content;
}

}  // namespace

Result<Descriptor> open_regular_file(const std::string& path) { return open_regular(AT_FDCWD, path, nullptr); }

Result<std::uint64_t> size_of(const Descriptor& file, std::string_view path) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return file_error(path, errno);
  return static_cast<std::uint64_t>(status.st_size);
}

Result<std::size_t> read_at(const Descriptor& file, std::uint64_t offset, std::span<char> buffer, std::string_view path) {
  if (offset > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()) - buffer.size()) return std::size_t{0};
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t count =
        ::pread(file.get(), buffer.data() + filled, buffer.size() - filled, static_cast<off_t>(offset + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return file_error(path, errno);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  return filled;
}

std::uint64_t hole_at(const Descriptor& file, std::uint64_t offset) {
  const off_t data = ::lseek(file.get(), static_cast<off_t>(offset), SEEK_DATA);
  if (data >= 0) return static_cast<std::uint64_t>(data) - offset;
  return errno == ENXIO ? std::numeric_limits<std::uint64_t>::max() : 0;
}

Stamp stamp_of(const std::string& path) { return stamp_at(AT_FDCWD, path.c_str()); }
Stamp stamp_of(const Descriptor& directory, const char* path) { return stamp_at(directory.get(), path); }

Result<std::string> read_small_file(const std::string& path, std::size_t limit) { return read_small(AT_FDCWD, path, limit); }
Result<std::string> read_small_file(const Descriptor& directory, const std::string& path, std::size_t limit) {
  return read_small(directory.get(), path, limit);
}

std::optional<Instant> changed_at(const Descriptor& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return std::nullopt;
  return Instant(std::chrono::seconds(status.st_ctim.tv_sec) + std::chrono::milliseconds(status.st_ctim.tv_nsec / 1'000'000));
}

}  // namespace cleanerd::storage
