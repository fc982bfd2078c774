// Looks for secrets in the bytes of places and in texts: what the rules recognise, and every known value. What is recognised
// anywhere is known everywhere from then on.
#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "search/hit.hpp"
#include "search/rules.hpp"
#include "search/stream.hpp"
#include "storage/file.hpp"

namespace cleanerd::search {

// A place, texts, or a stream.
struct Target {
  std::string name;    // stable between runs and processes: the key in the scan cache
  std::string path;    // for this process; empty for texts
  bool fixed = false;  // committed, or named by its digest: nothing below changes while the root is the same
  std::vector<std::string_view> texts{};
  Stream stream{};         // a tar, or bytes as they are; read one after the other
  std::string revision{};  // of the stream: the same as long as its bytes are
  storage::Stamp stamp{};  // of the path, when it was listed; empty where it was not
};

struct Known {
  SecretValue value;
  // Whence the host betrayed it. A place that it was found in stays one that holds it, also when nothing gives the value away any more:
  // the record that did is removed, and an image that holds it stays. Empty: somebody declared it, and it is forgotten after this search.
  std::string origin{};
};

struct Outcome {
  std::vector<Answer> targets;            // in the order of the targets
  std::vector<SecretValue> recognised;    // values that the rules gave away and that were searched for everywhere then
  bool is_complete = true;                // false: more values were recognised than could be searched for
  std::uint64_t bytes_read = 0;           // of places; 0 when every answer came from the cache
  std::vector<std::string> gone;          // paths of places that were not there when they were to be read
};

struct Options {
  std::string state_dir;   // of the scan cache and the compiled rules
  std::string engine_id;
  std::string names{};     // stands for the names that make a value one of a secret: with others nothing of before counts
  Fingerprinter::Key key{};
  std::size_t threads = 0;     // 0: as many as there are processors, 8 at most
  bool rules_at_once = false;  // not when they are needed first
  // Whether a value that a rule gives away is looked for in other places, too; none: each. A common word is not.
  std::function<bool(std::string_view)> is_traced{};
};

class ScanCache;

class Search {
 public:
  // Compiles the rules where the state directory has none that are compiled; otherwise they are had when they are needed, or at once.
  // `cache`: of this state directory and engine; null: one of its own.
  static Result<Search> open(std::shared_ptr<Rules> rules, const Options& options, std::shared_ptr<ScanCache> cache = nullptr);
  Search(Search&&) noexcept;
  Search& operator=(Search&&) noexcept;
  ~Search();

  // Targets that have been searched before, are unchanged and were searched for all that is known by now are answered by the cache.
  // Errc::config when the rules are wrong, ::cancelled when `stop` is requested meanwhile; what was read by then need not be read again.
  // `on_bytes` is called from several threads.
  Result<Outcome> run(std::span<const Target> targets, std::span<const SecretValue> known, const std::stop_token& stop,
                      const std::function<void(std::uint64_t)>& on_bytes);
  // The same. `known` is called once, when it is known which places have changed: finding those takes a while.
  Result<Outcome> run(std::span<const Target> targets, const std::function<std::vector<Known>()>& known, const std::stop_token& stop,
                      const std::function<void(std::uint64_t)>& on_bytes);

  // Streams, searched for these values and nothing else, whatever earlier searches have found in them; nothing of it is remembered.
  // Errc::cancelled when `stop` is requested meanwhile.
  Result<std::vector<Answer>> find_known(std::span<const Target> targets, std::span<const SecretValue> known, const std::stop_token& stop) const;

  const Fingerprinter& fingerprint() const;

 private:
  class Impl;
  explicit Search(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A search that is opened on a thread of its own, while the engine is asked for its lists.
class Opening {
 public:
  explicit Opening(std::function<Result<Search>()> open) : later_(std::async(std::launch::async, std::move(open))) {}

  // Waits for it; the same answer every time.
  Result<Search*> get() {
    if (!opened_) opened_ = later_.get();
    if (!*opened_) return opened_->error();
    return &**opened_;
  }

 private:
  std::future<Result<Search>> later_;
  std::optional<Result<Search>> opened_;
};

}  // namespace cleanerd::search
