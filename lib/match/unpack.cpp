#include "match/unpack.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace cleanerd::match {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kBlock = 64 * 1024;

bool is_compressed(std::string_view head) {
  for (const std::string_view magic : {"\x1f\x8b\x08"sv, "\x28\xb5\x2f\xfd"sv, "\xfd" "7zXZ\0"sv})
    if (head.starts_with(magic)) return true;
  return head.starts_with("BZh") && head.size() >= 10 && head.substr(4, 6) == "\x31\x41\x59\x26\x53\x59"sv;
}

struct ArchiveFree {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using Archive = std::unique_ptr<archive, ArchiveFree>;

// What one outer file may cost, counted over all that is opened within it.
class Budget {
 public:
  Budget(const UnpackLimits& limits, UnpackSink& sink)
      : limits_(limits), sink_(sink), deadline_(std::chrono::steady_clock::now() + limits.max_time) {}

  void packed(std::size_t bytes) { packed_ += bytes; }
  // Empty while there is something left.
  std::string unpacked(std::size_t bytes) {
    unpacked_ += bytes;
    if (unpacked_ > limits_.max_bytes) return stop("it unpacks to more than " + std::to_string(limits_.max_bytes >> 20) + " MiB");
    if (unpacked_ > limits_.free_bytes && unpacked_ / limits_.max_ratio > packed_)
      return stop("it unpacks to more than " + std::to_string(limits_.max_ratio) + " times its size");
    if (std::chrono::steady_clock::now() > deadline_) return stop("unpacking took too long");
    if (sink_.cancelled()) return stop("cancelled");
    return reason_;
  }
  std::string entry() {
    if (++entries_ > limits_.max_entries) return stop("it has more than " + std::to_string(limits_.max_entries) + " members");
    return unpacked(0);
  }
  const std::string& reason() const { return reason_; }

 private:
  std::string stop(std::string reason) {
    if (reason_.empty()) reason_ = std::move(reason);
    return reason_;
  }

  const UnpackLimits& limits_;
  UnpackSink& sink_;
  std::chrono::steady_clock::time_point deadline_;
  std::uint64_t packed_ = 0, unpacked_ = 0, entries_ = 0;
  std::string reason_;
};

// A stream whose beginning was looked at already.
class Input {
 public:
  explicit Input(const ByteSource& source) : source_(source) {}

  std::string_view head() {
    while (head_.size() < 512 && !ended_) {
      std::array<char, 512> part;
      const std::ptrdiff_t got = source_(std::span(part).first(512 - head_.size()));
      if (got <= 0) {
        ended_ = true;
        failed_ = got < 0;
      } else {
        head_.append(part.data(), static_cast<std::size_t>(got));
      }
    }
    return head_;
  }

  std::ptrdiff_t read(std::span<char> out) {
    if (taken_ < head_.size()) {
      const std::size_t size = std::min(out.size(), head_.size() - taken_);
      std::copy_n(head_.data() + taken_, size, out.data());
      taken_ += size;
      return static_cast<std::ptrdiff_t>(size);
    }
    if (ended_) return failed_ ? -1 : 0;
    const std::ptrdiff_t got = source_(out);
    if (got <= 0) {
      ended_ = true;
      failed_ = got < 0;
      return got;
    }
    return got;
  }

 private:
  const ByteSource& source_;
  std::string head_;
  std::size_t taken_ = 0;
  bool ended_ = false, failed_ = false;
};

class Opener {
 public:
  Opener(const UnpackLimits& limits, UnpackSink& sink) : limits_(limits), sink_(sink), budget_(limits, sink) {}

  void open(const std::string& path, Input& input, int depth) {
    Reader reader(input, budget_, !std::exchange(opened_, true));
    const Archive handle(archive_read_new());
    if (handle == nullptr) return sink_.unread(path, "no memory to unpack it");
    // One or the other: libarchive would take compressed zeros for an empty tar.
    const bool compressed = is_compressed(input.head());
    constexpr std::array kFilters{&archive_read_support_filter_gzip, &archive_read_support_filter_zstd, &archive_read_support_filter_xz,
                                  &archive_read_support_filter_bzip2, &archive_read_support_format_raw};
    constexpr std::array kFormats{&archive_read_support_format_tar, &archive_read_support_format_zip_streamable,
                                  &archive_read_support_format_ar};
    if (compressed) for (const auto support : kFilters) support(handle.get());
    else for (const auto support : kFormats) support(handle.get());
    if (archive_read_open2(handle.get(), &reader, nullptr, &Reader::read, nullptr, nullptr) < ARCHIVE_WARN)
      return report(path, handle.get(), false);
    for (std::string before = path + "!";;) {
      archive_entry* entry = nullptr;
      const int state = archive_read_next_header(handle.get(), &entry);
      if (state == ARCHIVE_EOF) return rest(path, reader, handle.get());
      if (state < ARCHIVE_WARN) return report(path, handle.get(), false);
      if (compressed && archive_filter_count(handle.get()) <= 1) return sink_.damaged(path);
      if (const std::string reason = budget_.entry(); !reason.empty()) return sink_.unread(path, reason);
      if (compressed) {
        if (!member(path, handle.get(), depth, true)) return;
        continue;
      }
      const char* name = archive_entry_pathname(entry);
      std::string whole = path + "!" + (name != nullptr ? name : "?");
      tell_names(entry, whole, std::exchange(before, whole));
      if (archive_entry_filetype(entry) == AE_IFREG && !member(whole, handle.get(), depth, false)) return;
    }
  }

 private:
  class Reader {
   public:
    Reader(Input& input, Budget& budget, bool outermost) : input_(input), budget_(budget), block_(kBlock), outermost_(outermost) {}

    static la_ssize_t read(archive*, void* self, const void** out) {
      auto& reader = *static_cast<Reader*>(self);
      *out = reader.block_.data();
      const std::ptrdiff_t got = reader.next();
      return got < 0 ? ARCHIVE_FATAL : static_cast<la_ssize_t>(got);
    }

    // Fills the block anew; at the end it stays as it is.
    std::ptrdiff_t next() {
      const std::ptrdiff_t got = input_.read(block_);
      if (got <= 0) return got;
      filled_ = static_cast<std::size_t>(got);
      given_ += filled_;
      if (outermost_) budget_.packed(filled_);
      return got;
    }
    std::span<const char> block() const { return std::span(block_).first(filled_); }
    // Of the last block, what lies behind the first `taken` bytes of all.
    std::span<const char> behind(std::uint64_t taken) const {
      return block().last(static_cast<std::size_t>(std::min<std::uint64_t>(given_ - std::min(taken, given_), filled_)));
    }

   private:
    Input& input_;
    Budget& budget_;
    std::vector<char> block_;
    bool outermost_;
    std::size_t filled_ = 0;
    std::uint64_t given_ = 0;
  };

  void tell_names(archive_entry* entry, const std::string& path, std::string_view before) {
    // Directories come before what is in them, or have no member of their own.
    const auto same = static_cast<std::size_t>(std::ranges::mismatch(path, before).in1 - path.begin());
    sink_.name(path, std::string_view(path).substr(path.find_last_of("/!", std::min(same, path.size() - 1)) + 1));
    for (const char* target : {archive_entry_symlink(entry), archive_entry_hardlink(entry)})
      if (target != nullptr) sink_.name(path, target);
  }

  // What follows the container's end (a zip's directory with its comment, too), but for the zeros that fill a tar up.
  void rest(const std::string& path, Reader& reader, archive* handle) {
    const std::int64_t taken = archive_filter_bytes(handle, -1);
    if (taken < 0) return;
    bool begun = false;
    std::ptrdiff_t got = 0;
    for (std::span<const char> part = reader.behind(static_cast<std::uint64_t>(taken));; part = reader.block()) {
      if (!begun && std::ranges::any_of(part, [](char c) { return c != 0; })) {
        sink_.begin(path + "!(behind its end)");
        begun = true;
      }
      if (begun) sink_.bytes(part);
      if (!budget_.unpacked(part.size()).empty() || (got = reader.next()) <= 0) break;
    }
    if (begun) sink_.end();
    if (got < 0 || !budget_.reason().empty()) report(path, handle, false);
  }

  // libarchive knows of encryption, and may be asked, once it has read a header.
  void report(const std::string& path, archive* handle, bool has_header) {
    if (!budget_.reason().empty()) sink_.unread(path, budget_.reason());
    else if (has_header && archive_read_has_encrypted_entries(handle) > 0) sink_.unread(path, "it is encrypted");
    else sink_.damaged(path);
  }

  // False when nothing more can be read of the container around it.
  bool member(const std::string& path, archive* handle, int depth, bool decompressed) {
    bool sound = true;
    const ByteSource source = [&](std::span<char> out) -> std::ptrdiff_t {
      if (!budget_.reason().empty()) return -1;
      const la_ssize_t got = archive_read_data(handle, out.data(), out.size());
      if (got < 0) {
        sound = got >= ARCHIVE_WARN;
        return -1;
      }
      return budget_.unpacked(static_cast<std::size_t>(got)).empty() ? static_cast<std::ptrdiff_t>(got) : -1;
    };
    Input input(source);
    const bool opens = is_container(input.head());
    // A compressed archive is one container.
    const int inner = decompressed && !is_compressed(input.head()) ? depth : depth + 1;
    if (opens && inner <= limits_.depth) {
      open(path, input, inner);
    } else {
      if (opens) sink_.unread(path, "a container within " + std::to_string(limits_.depth) + " others");
      sink_.begin(path);
      std::vector<char> block(kBlock);
      std::ptrdiff_t got = 0;
      while ((got = input.read(block)) > 0) sink_.bytes(std::span(block).first(static_cast<std::size_t>(got)));
      sink_.end();
      if (got < 0) report(path, handle, true);
    }
    return sound && budget_.reason().empty();
  }

  const UnpackLimits& limits_;
  UnpackSink& sink_;
  Budget budget_;
  bool opened_ = false;
};

}  // namespace

bool is_container(std::string_view head) {
  for (const std::string_view magic : {"PK\x03\x04"sv, "!<arch>\n"sv})
    if (head.starts_with(magic)) return true;
  return is_compressed(head) || (head.size() >= 262 && head.substr(257, 5) == "ustar");
}

void unpack(const std::string& path, const ByteSource& source, const UnpackLimits& limits, UnpackSink& sink) {
  Input input(source);
  if (limits.depth < 1 || !is_container(input.head())) return;
  Opener(limits, sink).open(path, input, 1);
}

}  // namespace cleanerd::match
