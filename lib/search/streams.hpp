// Scanners over one stream of bytes at a time, and what they find. Internal to the library.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "match/matcher.hpp"
#include "search/hit.hpp"

namespace cleanerd::search {

// One place's answer, filled by several threads.
class Collected {
 public:
  explicit Collected(std::size_t most_hits = kMaxHits) : most_hits_(most_hits) {}

  void add(Hit hit);
  void add_unread(std::string file, std::string reason);
  void add_bytes(std::uint64_t bytes);
  void set_gone() { answer_.gone = true; }
  // A name holds a secret: no path shall. Where there are too many of them no path is told at all.
  void hide_in_paths(const std::string& spelled, const std::string& masked);
  Answer take();

 private:
  std::mutex mutex_;
  Answer answer_;
  const std::size_t most_hits_;
  std::map<std::string, std::string> hidden_;
};

// Scanners of all the matchers over one stream at a time, which share its buffer.
class Streams {
 public:
  // Throws std::bad_alloc.
  Streams(std::span<const match::Matcher* const> matchers, const Fingerprinter& fingerprint);

  void begin(const std::string& path, Collected& into);
  std::span<char> room() { return std::span(buffer_).subspan(filled_); }
  void filled(std::size_t count);
  void append(std::span<const char> bytes);
  // As if that many zeros had been filled in. Where there are more of them than scans overlap, the rest says nothing new.
  void zeros(std::uint64_t count);
  // How many bytes the stream had.
  std::uint64_t finish();

 private:
  void scan(match::Scanner::Part part);

  std::span<const match::Matcher* const> matchers_;
  const Fingerprinter& fingerprint_;
  std::vector<match::Scanner> scanners_;
  std::vector<char> buffer_;
  std::string path_;
  Collected* into_ = nullptr;
  std::uint64_t offset_ = 0;
  std::size_t filled_ = 0;
  bool is_build_log_ = false;
};

}  // namespace cleanerd::search
