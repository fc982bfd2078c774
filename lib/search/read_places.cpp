#include "search/read_places.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/text.hpp"
#include "storage/walk.hpp"

namespace cleanerd::search {
namespace {

using match::Matcher;
using match::Scanner;

Hit make_hit(match::Match&& found, const Matcher& matcher, const std::string& file, const Fingerprinter& fingerprint) {
  Hit hit;
  if (found.rule != match::Match::kNone) {
    const match::Rule& rule = matcher.rules()[found.rule];
    hit.rule = rule.id;
    hit.tier = rule.tier;
    hit.anywhere = rule.tier == match::Tier::any && !rule.prefixes.empty();
  }
  hit.file = file;
  hit.begin = found.begin;
  hit.end = found.end;
  hit.encoding = found.encoding;
  hit.checked = found.checked;
  const SecretValue& secret = found.known == match::Match::kNone ? found.secret : matcher.known()[found.known];
  if (secret.size() != 0) {
    hit.fingerprint = fingerprint(secret);
    hit.masked = mask(secret);
    hit.value = secret;
  }
  return hit;
}

// One place's answer, filled by several threads.
class Collected {
 public:
  void add(Hit hit) {
    const std::lock_guard lock(mutex_);
    if (answer_.hits.size() < kMaxHits) answer_.hits.push_back(std::move(hit));
    else ++answer_.left_out;
  }
  void add_unread(std::string file, std::string reason) {
    const std::lock_guard lock(mutex_);
    if (answer_.unread.size() < kMaxHits) answer_.unread.push_back({std::move(file), std::move(reason)});
  }
  void add_bytes(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    answer_.bytes += bytes;
  }
  Answer take() {
    std::ranges::sort(answer_.hits, {}, [](const Hit& hit) { return std::tie(hit.file, hit.begin, hit.end, hit.rule); });
    std::ranges::sort(answer_.unread, {}, &UnreadFile::file);
    return std::move(answer_);
  }

 private:
  std::mutex mutex_;
  Answer answer_;
};

// Scanners of all the matchers over one stream at a time, which share its buffer.
class Streams {
 public:
  Streams(std::span<const Matcher* const> matchers, const Fingerprinter& fingerprint) : matchers_(matchers), fingerprint_(fingerprint) {
    for (const Matcher* matcher : matchers) {
      auto scanner = matcher->scanner();
      if (!scanner) throw std::bad_alloc();
      scanners_.push_back(std::move(*scanner));
    }
  }

  void begin(const std::string& path, Collected& into) {
    if (buffer_.empty()) buffer_.resize(Scanner::kChunk + Scanner::kOverlap);
    path_ = path;
    into_ = &into;
    offset_ = 0;
    filled_ = 0;
    for (Scanner& scanner : scanners_) scanner.begin(path);
  }
  std::span<char> room() { return std::span(buffer_).subspan(filled_); }
  void filled(std::size_t count) {
    filled_ += count;
    if (filled_ < buffer_.size()) return;
    scan(Scanner::Part::more);
    std::memmove(buffer_.data(), buffer_.data() + filled_ - Scanner::kOverlap, Scanner::kOverlap);
    offset_ += filled_ - Scanner::kOverlap;
    filled_ = Scanner::kOverlap;
  }
  void append(std::span<const char> bytes) {
    while (!bytes.empty()) {
      const std::span<char> to = room();
      const std::size_t size = std::min(to.size(), bytes.size());
      std::memcpy(to.data(), bytes.data(), size);
      filled(size);
      bytes = bytes.subspan(size);
    }
  }
  std::uint64_t finish() {
    scan(Scanner::Part::last);
    return offset_ + filled_;
  }
 private:
  void scan(Scanner::Part part) {
    for (std::size_t i = 0; i < scanners_.size(); ++i)
      scanners_[i].scan(std::span(buffer_).first(filled_), offset_, part, [&](match::Match&& found) {
        into_->add(make_hit(std::move(found), *matchers_[i], path_, fingerprint_));
      });
  }

  std::span<const Matcher* const> matchers_;
  const Fingerprinter& fingerprint_;
  std::vector<Scanner> scanners_;
  std::vector<char> buffer_;
  std::string path_;
  Collected* into_ = nullptr;
  std::uint64_t offset_ = 0;
  std::size_t filled_ = 0;
};

// What a container holds, searched member by member.
class Members final : public match::UnpackSink {
 public:
  Members(Streams& streams, Collected& into, const ReadOptions& options) : streams_(streams), into_(into), options_(options) {}
  void begin(const std::string& path) override { streams_.begin(path, into_); }
  void bytes(std::span<const char> bytes) override { streams_.append(bytes); }
  void end() override { into_.add_bytes(streams_.finish()); }
  void unread(const std::string& path, const std::string& reason) override {
    whole = false;
    into_.add_unread(path, reason);
  }
  void damaged(const std::string& path) override {
    whole = false;
    if (path.empty()) broken_off = true;
  }
  bool cancelled() override { return options_.stop.stop_requested(); }
  bool whole = true;
  bool broken_off = false;  // of a stream, which has no name

 private:
  Streams& streams_;
  Collected& into_;
  const ReadOptions& options_;
};

// One thread's way of searching a file.
class FileReader {
 public:
  FileReader(std::span<const Matcher* const> matchers, const Fingerprinter& fingerprint, const ReadOptions& options)
      : options_(options), outer_(matchers, fingerprint), inner_(matchers, fingerprint) {}

  // As far as the file reached when it was opened.
  void read(const std::string& name, const storage::Descriptor& file, std::uint64_t size, Collected& into) {
    outer_.begin(name, into);
    for (std::uint64_t at = 0; at < size && !options_.stop.stop_requested();) {
      const std::span<char> room = outer_.room();
      auto got = storage::read_at(file, at, room, name);
      if (!got) return into.add_unread(name, "cannot be read: " + got.error().message());
      if (*got == 0) break;
      if (options_.on_bytes) options_.on_bytes(*got);
      if (at == 0 && options_.unpack.depth > 0 && match::is_container({room.data(), *got}) && unpack(name, file, into)) return;
      at += *got;
      outer_.filled(*got);
    }
    into.add_bytes(outer_.finish());
  }

 private:
  // True when all that the container holds was searched: its own bytes say no more.
  bool unpack(const std::string& name, const storage::Descriptor& file, Collected& into) {
    Members members(inner_, into, options_);
    std::uint64_t at = 0;
    match::unpack(name, [&](std::span<char> out) -> std::ptrdiff_t {
      auto got = storage::read_at(file, at, out, name);
      if (!got) return -1;
      at += *got;
      if (options_.on_bytes) options_.on_bytes(*got);
      return static_cast<std::ptrdiff_t>(*got);
    }, options_.unpack, members);
    return members.whole;
  }

  const ReadOptions& options_;
  Streams outer_;
  Streams inner_;  // members of a container, while outer_ waits
};

class Visitor final : public storage::WalkVisitor {
 public:
  Visitor(FileReader& reader, Collected& into) : reader_(reader), into_(into) {}
  void file(const storage::WalkFile& file) override { reader_.read(std::string(file.path), *file.content, file.size, into_); }
  void unreadable(std::string_view path, int error) override {
    into_.add_unread(std::string(path), std::generic_category().message(error));
  }

 private:
  FileReader& reader_;
  Collected& into_;
};

// The places one after the other; who finds none left helps with the directories that are still being walked.
class Work {
 public:
  Work(std::span<const std::string> paths, std::span<const Matcher* const> matchers, const Fingerprinter& fingerprint,
       const ReadOptions& options)
      : paths_(paths), matchers_(matchers), fingerprint_(fingerprint), options_(options), collected_(paths.size()) {}

  std::vector<Answer> run() {
    const std::stop_callback cancel(options_.stop, [this] {
      const std::lock_guard lock(mutex_);
      for (const Active& active : active_) active.walk->cancel();
    });
    {
      std::vector<std::jthread> helpers;
      for (std::size_t i = 1; i < options_.threads; ++i) helpers.emplace_back([this] { work(); });
      work();
    }
    std::vector<Answer> answers;
    for (Collected& collected : collected_) answers.push_back(collected.take());
    return answers;
  }

 private:
  struct Active {
    std::shared_ptr<storage::Walk> walk;
    std::size_t place;
  };

  void work() {
    FileReader reader(matchers_, fingerprint_, options_);
    for (std::size_t i; (i = next_++) < paths_.size() && !options_.stop.stop_requested();) read(i, reader);
    while (auto active = one_to_help()) walk(*active, reader);
  }

  void read(std::size_t place, FileReader& reader) {
    const std::string& path = paths_[place];
    auto walk_of = storage::Walk::open(path);
    if (walk_of) {
      const Active active{std::move(*walk_of), place};
      {
        const std::lock_guard lock(mutex_);
        if (options_.stop.stop_requested()) return;
        active_.push_back(active);
      }
      walk(active, reader);
      return;
    }
    auto file = storage::open_regular_file(path);
    auto size = file ? storage::size_of(*file, path) : Result<std::uint64_t>(std::move(file).error());
    if (size) reader.read("", *file, *size, collected_[place]);
    else if (size.error().code() != Errc::not_found) collected_[place].add_unread("", size.error().message());
  }

  void walk(const Active& active, FileReader& reader) {
    Visitor visitor(reader, collected_[active.place]);
    active.walk->run(visitor);  // comes back when the whole directory is done, or is in the hands of others
    const std::lock_guard lock(mutex_);
    std::erase_if(active_, [&](const Active& other) { return other.walk == active.walk; });
  }

  std::optional<Active> one_to_help() {
    const std::lock_guard lock(mutex_);
    if (active_.empty() || options_.stop.stop_requested()) return std::nullopt;
    return active_.front();
  }

  std::span<const std::string> paths_;
  std::span<const Matcher* const> matchers_;
  const Fingerprinter& fingerprint_;
  const ReadOptions& options_;
  std::vector<Collected> collected_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  std::vector<Active> active_;
};

}  // namespace

std::vector<Answer> read_places(std::span<const std::string> paths, std::span<const Matcher* const> matchers,
                                const Fingerprinter& fingerprint, const ReadOptions& options) {
  return Work(paths, matchers, fingerprint, options).run();
}

Answer read_stream(const Stream& stream, std::span<const Matcher* const> matchers, const Fingerprinter& fingerprint,
                   const ReadOptions& options) {
  Collected collected;
  Streams outer(matchers, fingerprint), inner(matchers, fingerprint);
  const Status done = stream([&](const match::ByteSource& source) {
    // The first bytes tell what it is; then they are handed out once more.
    std::string head(512, '\0');
    std::size_t size = 0;
    for (std::ptrdiff_t got; size < head.size() && (got = source(std::span(head).subspan(size))) > 0;) size += static_cast<std::size_t>(got);
    head.resize(size);
    const bool packed = options.unpack.depth > 0 && match::is_container(head);
    std::size_t given = 0;
    const match::ByteSource whole = [&](std::span<char> out) -> std::ptrdiff_t {
      const std::size_t again = std::min(out.size(), head.size() - given);
      std::memcpy(out.data(), head.data() + given, again);
      given += again;
      const std::ptrdiff_t got = again != 0 ? static_cast<std::ptrdiff_t>(again) : source(out);
      if (got > 0 && options.on_bytes) options.on_bytes(static_cast<std::uint64_t>(got));
      return got;
    };
    if (packed) {
      // An image's layers are archives within the export's: what is within those may be three deep as elsewhere.
      match::UnpackLimits limits = options.unpack;
      limits.depth += 2;
      Members members(inner, collected, options);
      match::unpack("", whole, limits, members);
      if (members.broken_off) collected.add_unread("", "the export did not come to its end");
      return;
    }
    outer.begin("", collected);
    for (std::ptrdiff_t got; !options.stop.stop_requested() && (got = whole(outer.room())) > 0;) outer.filled(static_cast<std::size_t>(got));
    collected.add_bytes(outer.finish());
  });
  if (!done && done.error().code() != Errc::not_found) collected.add_unread("", done.error().message());
  return collected.take();
}

std::vector<Answer> read_texts(std::span<const Texts* const> targets, std::span<const Matcher* const> matchers, const Fingerprinter& fingerprint) {
  std::vector<Answer> answers;
  if (targets.empty()) return answers;
  Streams streams(matchers, fingerprint);
  for (const Texts* texts : targets) {
    Collected collected;
    for (std::size_t i = 0; i < texts->size(); ++i) {
      streams.begin(std::to_string(i), collected);
      streams.append((*texts)[i]);
      streams.finish();
    }
    answers.push_back(collected.take());
  }
  return answers;
}

}  // namespace cleanerd::search
