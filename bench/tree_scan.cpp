// What searching costs over reading: the programs' own way through trees, or a walk that only reads.
//   tree_scan --patterns N     prints the patterns of N rules for tokens, of all kinds, for other programs
//   tree_scan [--read-only] [--no-unpack] [--threads N] [--known N] [--cache DIRECTORY] [--rules DIRECTORY] [--list] PATH...
// Prints times, and what was found by rule; with --list each place, the secret masked.
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "match/example.hpp"
#include "match/load_rules.hpp"
#include "match/matcher.hpp"
#include "search/read_places.hpp"
#include "storage/walk.hpp"

namespace {

using namespace cleanerd;
using Clock = std::chrono::steady_clock;

struct Options {
  bool read_only = false, unpack = true, list = false;
  unsigned threads = 2;
  unsigned known = 0, patterns = 0;
  std::string cache, rules;
  std::vector<std::string> paths;
};

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double megabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; }

// One thread's.
class Reader final : public storage::WalkVisitor {
 public:
  explicit Reader(std::atomic<std::uint64_t>& bytes) : bytes_(bytes), buffer_(match::Scanner::kChunk) {}
  void file(const storage::WalkFile& file) override {
    std::uint64_t at = 0;
    while (at < file.size) {
      const auto got = storage::read_at(*file.content, at, buffer_, file.path);
      if (!got || *got == 0) break;
      at += *got;
    }
    bytes_ += at;
  }
  void unreadable(std::string_view path, int error) override {
    std::fprintf(stderr, "%s: %s\n", printable(path).c_str(), std::strerror(error));
  }

 private:
  std::atomic<std::uint64_t>& bytes_;
  std::vector<char> buffer_;
};

bool read_only(const Options& options, std::atomic<std::uint64_t>& bytes) {
  for (const std::string& path : options.paths) {
    const auto walk = storage::Walk::open(path);
    if (!walk) return std::fprintf(stderr, "%s\n", walk.error().message().c_str()), false;
    std::vector<std::jthread> threads;
    for (unsigned i = 0; i < options.threads; ++i)
      threads.emplace_back([&] {
        Reader reader(bytes);
        (*walk)->run(reader);
      });
  }
  return true;
}

std::optional<match::Matcher> make_matcher(const Options& options) {
  const auto start = Clock::now();
  match::LoadedRules loaded = options.rules.empty() ? match::shipped_rules() : match::load_rules({options.rules});
  for (const auto& diagnostic : loaded.diagnostics) std::fprintf(stderr, "%s\n", render(diagnostic).c_str());
  if (!loaded.diagnostics.empty()) return std::nullopt;
  std::vector<SecretValue> known;
  for (unsigned i = 0; i < options.known; ++i) known.emplace_back(*match::expand_example("{base64url:32}", i + 1));
  auto matcher = match::Matcher::make(std::move(loaded.set), std::move(known), {options.cache});
  if (!matcher) return std::fprintf(stderr, "%s\n", matcher.error().message().c_str()), std::nullopt;
  std::printf("%zu rules and %u known values  %.1f MB  made in %.3f s\n", matcher->rules().size(), options.known,
              megabytes(matcher->memory()), since(start));
  return std::move(*matcher);
}

void print(const std::vector<search::Answer>& answers, bool list) {
  std::uint64_t searched = 0;
  std::map<std::string, std::size_t> by_rule;
  for (const search::Answer& answer : answers) {
    searched += answer.bytes;
    for (const search::Hit& hit : answer.hits) ++by_rule[hit.rule.empty() ? "known value" : hit.rule];
    if (answer.left_out != 0) by_rule["left out"] += answer.left_out;
    if (!answer.unread.empty()) by_rule["unread"] += answer.unread.size();
  }
  std::printf("%.1f MB searched, what was unpacked included\n", megabytes(searched));
  for (const auto& [rule, count] : by_rule) std::printf("  %6zu %s\n", count, rule.c_str());
  if (!list) return;
  for (const search::Answer& answer : answers) {
    for (const search::Hit& hit : answer.hits)
      std::printf("%s %s:%llu %s %s\n", hit.rule.c_str(), printable(hit.file).c_str(), static_cast<unsigned long long>(hit.begin),
                  std::string(to_string(hit.encoding)).c_str(), printable(hit.masked).c_str());
    for (const search::UnreadFile& unread : answer.unread)
      std::printf("unread %s: %s\n", printable(unread.file).c_str(), printable(unread.reason).c_str());
  }
}

int print_patterns(unsigned count) {
  std::vector<std::string> all;
  for (const match::Rule& rule : match::shipped_rules().set.rules)
    if (rule.tier == match::Tier::any && !rule.prefixes.empty()) all.push_back(rule.pattern);
  for (std::size_t i = 0; i < count && count <= all.size(); ++i) std::printf("%s\n", all[i * all.size() / count].c_str());
  return count <= all.size() ? 0 : 1;
}

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
    else if (word == "--patterns") options.patterns = static_cast<unsigned>(std::atoi(next().c_str()));
    else if (word == "--cache") options.cache = next();
    else if (word == "--rules") options.rules = next();
    else options.paths.push_back(word);
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  if (options.patterns != 0) return print_patterns(options.patterns);
  std::optional<match::Matcher> matcher;
  if (!options.read_only && !(matcher = make_matcher(options))) return 1;
  std::atomic<std::uint64_t> bytes = 0;
  std::vector<search::Answer> answers;
  const auto start = Clock::now();
  const double used = processor_seconds();
  if (options.read_only) {
    if (!read_only(options, bytes)) return 1;
  } else {
    const match::Matcher* const matchers[] = {&*matcher};
    search::ReadOptions how;
    how.threads = options.threads;
    if (!options.unpack) how.unpack.depth = 0;
    how.on_bytes = [&](std::uint64_t count) { bytes += count; };
    answers = search::read_places(options.paths, matchers, Fingerprinter({}), how);
  }
  const double took = since(start);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("%.1f MB read  %.3f s  %.3f s of processor time  %.1f MB/s  RSS %.1f MB\n", megabytes(bytes), took,
              processor_seconds() - used, megabytes(bytes) / took, static_cast<double>(usage.ru_maxrss) / 1e3);
  if (!options.read_only) print(answers, options.list);
  return 0;
}
