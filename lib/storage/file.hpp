#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/descriptor.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace cleanerd::storage {

using cleanerd::Descriptor;

// What errno says of a path: Errc::not_found or ::io.
Error file_error(std::string_view path, int number);

// A regular file for reading, without following a link at its end and without touching its access time where that is
// allowed. Never waits on a FIFO or device: they are refused.
Result<Descriptor> open_regular_file(const std::string& path);

// The file's size now.
Result<std::uint64_t> size_of(const Descriptor& file, std::string_view path);

// Fills `buffer` from `offset` as far as the file reaches; how many bytes that were.
Result<std::size_t> read_at(const Descriptor& file, std::uint64_t offset, std::span<char> buffer, std::string_view path);

// How many bytes from `offset` on lie in a hole of the file: zeros that take no space. A hole behind the last bytes has no end.
std::uint64_t hole_at(const Descriptor& file, std::uint64_t offset);

// A whole regular file, opened as above. Errc::not_found, ::io; ::too_large beyond `limit` bytes.
Result<std::string> read_small_file(const std::string& path, std::size_t limit = 16u << 20);
// Of a path from a directory: shorter paths are found sooner.
Result<std::string> read_small_file(const Descriptor& directory, const std::string& path, std::size_t limit = 16u << 20);

// Tells one state of a file or directory from the next without reading it: device, inode, birth and change time, size.
struct Stamp {
  std::uint64_t hash = 0;  // never 0 of what is there
  bool is_directory = false;
  bool exists() const { return hash != 0; }
};

// Of the path itself: no link is followed. Nothing where it cannot be looked at.
Stamp stamp_of(const std::string& path);
Stamp stamp_of(const Descriptor& directory, const char* path);

// The last change of a file or its attributes (ctime). nullopt where it cannot be looked at.
std::optional<Instant> changed_at(const Descriptor& file);

}  // namespace cleanerd::storage
