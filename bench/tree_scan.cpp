// What matching costs over reading: goes through a tree with the walk and the matcher of the programs. Compare `--read-only`
// with `--no-unpack --known 100`, by turns, on a tree that is in memory.
//   tree_scan [--read-only] [--no-unpack] [--threads N] [--known N] [--cache DIRECTORY] [--rules DIRECTORY] [--list] TREE...
// Prints times, and what was found by rule; with --list each place, the secret masked.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "match/example.hpp"
#include "match/load_rules.hpp"
#include "match/matcher.hpp"
#include "match/unpack.hpp"
#include "storage/walk.hpp"

namespace {

using namespace cleanerd;
using Clock = std::chrono::steady_clock;

struct Options {
  bool read_only = false, unpack = true, list = false;
  unsigned threads = 2;
  unsigned known = 0;
  std::string cache, rules;
  std::vector<std::string> trees;
};

double processor_ms() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e3 + static_cast<double>(used.tv_nsec) / 1e6;
}

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// One thread's.
class Reader : public storage::WalkVisitor, private match::UnpackSink {
 public:
  Reader(const Options& options, const match::Matcher* matcher) : options_(options), matcher_(matcher), buffer_(match::Scanner::kChunk) {
    if (matcher == nullptr) return;
    auto scanner = matcher->scanner();
    if (!scanner) std::exit(1);
    scanner_.emplace(std::move(*scanner));
  }

  void file(const storage::WalkFile& file) override {
    ++files;
    std::span<char> room(buffer_);
    if (scanner_) {
      scanner_->begin(file.path);
      room = scanner_->room();
    }
    path_ = file.path;
    std::size_t got = read_some(file, 0, room);
    const bool container = match::is_container({room.data(), got});
    std::uint64_t at = 0;
    while (got > 0) {
      at += got;
      if (scanner_) {
        scanner_->filled(got, sink_);
        room = scanner_->room();
      }
      got = read_some(file, at, room);
    }
    size += at;
    if (!scanner_) return;
    scanner_->finish(sink_);
    if (!container || !options_.unpack) return;
    ++containers;
    std::uint64_t from = 0;
    match::unpack(std::string(file.path), [&](std::span<char> out) {
      const std::size_t n = read_some(file, from, out);
      from += n;
      return static_cast<std::ptrdiff_t>(n);
    }, {}, *this);
  }
  void unreadable(std::string_view path, int error) override {
    std::fprintf(stderr, "%s: %s\n", printable(path).c_str(), std::strerror(error));
  }

  std::uint64_t files = 0, size = 0, containers = 0, unpacked = 0;
  std::map<std::string, std::size_t> by_rule;
  std::vector<std::string> places;

 private:
  static std::size_t read_some(const storage::WalkFile& file, std::uint64_t offset, std::span<char> out) {
    const ssize_t got = pread(file.content->get(), out.data(), out.size(), static_cast<off_t>(offset));
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }

  void begin(const std::string& path) override {
    path_ = path;
    scanner_->begin(path);
  }
  void bytes(std::span<const char> part) override {
    unpacked += part.size();
    while (!part.empty()) {
      const std::span<char> room = scanner_->room();
      const std::size_t count = std::min(room.size(), part.size());
      std::memcpy(room.data(), part.data(), count);
      scanner_->filled(count, sink_);
      part = part.subspan(count);
    }
  }
  void end() override { scanner_->finish(sink_); }
  void unread(const std::string& path, const std::string& reason) override {
    places.push_back(printable(path) + ": unread: " + reason);
  }

  void damaged(const std::string&) override {}

  void found(const match::Match& found) {
    const std::string rule = found.rule == match::Match::kNone ? "known value" : matcher_->rules()[found.rule].id;
    ++by_rule[rule];
    places.push_back(rule + " " + printable(path_) + ":" + std::to_string(found.begin) + " " + std::string(to_string(found.encoding)) + " " +
                     printable(mask(found.secret)) + " (" + std::to_string(found.secret.size()) + " bytes)");
  }

  const Options& options_;
  const match::Matcher* matcher_;
  std::optional<match::Scanner> scanner_;
  std::vector<char> buffer_;
  std::string path_;
  const match::Sink sink_ = [this](match::Match&& match) { found(match); };
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto next = [&]() -> std::string { return i + 1 < argc ? argv[++i] : ""; };
    if (word == "--read-only") options.read_only = true;
    else if (word == "--no-unpack") options.unpack = false;
    else if (word == "--list") options.list = true;
    else if (word == "--threads") options.threads = static_cast<unsigned>(std::atoi(next().c_str()));
    else if (word == "--known") options.known = static_cast<unsigned>(std::atoi(next().c_str()));
    else if (word == "--cache") options.cache = next();
    else if (word == "--rules") options.rules = next();
    else options.trees.push_back(word);
  }
  return options;
}

std::optional<match::Matcher> make_matcher(const Options& options) {
  const auto start = Clock::now();
  const double used = processor_ms();
  match::LoadedRules loaded = options.rules.empty() ? match::shipped_rules() : match::load_rules({options.rules});
  for (const auto& diagnostic : loaded.diagnostics) std::fprintf(stderr, "%s\n", render(diagnostic).c_str());
  if (!loaded.diagnostics.empty()) return std::nullopt;
  const double load = since(start);
  std::vector<SecretValue> known;
  for (unsigned i = 0; i < options.known; ++i) known.emplace_back(*match::expand_example("{base64url:32}", i + 1));
  auto matcher = match::Matcher::make(std::move(loaded.set), std::move(known), {options.cache});
  if (!matcher) {
    std::fprintf(stderr, "%s\n", matcher.error().message().c_str());
    return std::nullopt;
  }
  std::printf("rules %zu  load %.1f ms  make %.1f ms  both %.1f ms of processor time  databases %.1f MB\n", matcher->rules().size(),
              load * 1e3, (since(start) - load) * 1e3, processor_ms() - used, static_cast<double>(matcher->memory()) / 1e6);
  return std::move(*matcher);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  std::optional<match::Matcher> matcher;
  if (!options.read_only && !(matcher = make_matcher(options))) return 1;
  std::vector<std::unique_ptr<Reader>> readers;
  for (unsigned i = 0; i < options.threads; ++i) readers.push_back(std::make_unique<Reader>(options, matcher ? &*matcher : nullptr));
  const auto start = Clock::now();
  const double used = processor_ms();
  for (const std::string& tree : options.trees) {
    auto walk = storage::Walk::open(tree);
    if (!walk) return std::fprintf(stderr, "%s\n", walk.error().message().c_str()), 1;
    std::vector<std::thread> threads;
    for (const auto& reader : readers) threads.emplace_back([&walk, &reader] { (*walk)->run(*reader); });
    for (std::thread& thread : threads) thread.join();
  }
  const double took = since(start), busy = (processor_ms() - used) / 1e3;
  std::uint64_t files = 0, size = 0, containers = 0, unpacked = 0;
  std::map<std::string, std::size_t> by_rule;
  std::vector<std::string> places;
  for (const auto& reader : readers) {
    files += reader->files;
    size += reader->size;
    containers += reader->containers;
    unpacked += reader->unpacked;
    for (const auto& [rule, count] : reader->by_rule) by_rule[rule] += count;
    places.insert(places.end(), reader->places.begin(), reader->places.end());
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto mb = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  std::printf("%s  %llu files  %.1f MB  %llu containers  %.1f MB in them  %.3f s  processor %.3f s  %.1f MB/s  RSS %.1f MB\n",
              options.read_only ? "read" : "scan", static_cast<unsigned long long>(files), mb(size),
              static_cast<unsigned long long>(containers), mb(unpacked), took, busy, mb(size) / took,
              static_cast<double>(usage.ru_maxrss) / 1e3);
  for (const auto& [rule, count] : by_rule) std::printf("  %6zu %s\n", count, rule.c_str());
  std::ranges::sort(places);
  if (options.list)
    for (const std::string& place : places) std::printf("%s\n", place.c_str());
  return 0;
}
