// All rules and all known values looked for in one pass over bytes. The Matcher is shared by threads, a Scanner is one thread's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret_value.hpp"
#include "match/codec.hpp"
#include "match/rule.hpp"

namespace cleanerd::match {

struct Match {
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  std::size_t rule = kNone;   // index into Matcher::rules(); kNone: a known value
  std::size_t known = kNone;  // index into the values given to Matcher::make
  Encoding encoding = Encoding::plain;
  bool checked = false;       // a checksum or structure was right, so it is no chance
  std::uint64_t begin = 0;    // bytes of the stream that hold the secret; both 0 where the file as such is the finding
  std::uint64_t end = 0;
  SecretValue secret{""};     // decoded; empty where the file as such is the finding
};

class Scanner;

class Matcher {
 public:
  struct Options {
    std::string cache_directory;  // where compiled rules are kept; empty: nowhere
  };

  // `known` are values worth searching for everywhere; those shorter than 8 bytes are left to the caller (unsearchable()).
  static Result<Matcher> make(RuleSet rules, std::vector<SecretValue> known, const Options& options);
  // Whether compiled rules are kept in the directory. Without, make() takes a second and some 20 MiB for a while.
  static bool has_compiled_rules(const std::string& cache_directory);
  Matcher(Matcher&&) noexcept;
  Matcher& operator=(Matcher&&) noexcept;
  ~Matcher();

  std::span<const Rule> rules() const;
  std::span<const SecretValue> known() const;
  std::span<const std::size_t> unsearchable() const;  // indices into known()
  std::size_t memory() const;                         // bytes of the compiled databases
  // False where the kernel refused to lock the memory that holds known values (RLIMIT_MEMLOCK).
  bool is_locked() const;

  // The Matcher outlives it.
  Result<Scanner> scanner() const;

  struct Parts;

 private:
  friend class Scanner;
  explicit Matcher(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

using Sink = std::function<void(Match&&)>;

// One stream (a file, an archive's member, a text) at a time:
//   begin(path); while (n = read(room())) filled(n, sink); finish(sink);
// or, for bytes that are in memory already, scan_all. What is found does not depend on how the bytes were cut.
class Scanner {
 public:
  static constexpr std::size_t kChunk = 256 * 1024;

  Scanner(Scanner&&) noexcept;
  Scanner& operator=(Scanner&&) noexcept;
  ~Scanner();

  void begin(std::string_view path);
  // Where the next bytes go: kChunk of them or what is left of it, never none.
  std::span<char> room();
  void filled(std::size_t count, const Sink& sink);
  void finish(const Sink& sink);

  // Without the copy. Consecutive calls continue a stream that begin() opened: each starts with the last kOverlap bytes of the
  // one before (or at its start, where that was shorter); `offset` is the place of the first byte in the stream.
  static constexpr std::size_t kOverlap = 20 * 1024;
  enum class Part { more, last };
  void scan(std::span<const char> bytes, std::uint64_t offset, Part part, const Sink& sink);

  void scan_all(std::string_view path, std::span<const char> bytes, const Sink& sink);

 private:
  friend class Matcher;
  struct Parts;
  explicit Scanner(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace cleanerd::match
