#include "search/read_places.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include "search/members.hpp"
#include "search/names.hpp"
#include "search/streams.hpp"
#include "storage/walk.hpp"

namespace cleanerd::search {
namespace {

using match::Matcher;
using match::Scanner;

// Bytes ahead from which on it is asked whether they are a hole.
constexpr std::uint64_t kWorthSkipping = 1u << 20;

// One thread's way of searching a file.
class FileReader {
 public:
  FileReader(std::span<const Matcher* const> matchers, const Fingerprinter& fingerprint, const ReadOptions& options)
      : options_(options), outer_(matchers, fingerprint), inner_(matchers, fingerprint), names_(outer_) {}

  void name(std::string_view path, std::string_view name, Collected& into) { names_.add(path, name, into); }
  // Of the place: what is said of it is whole only then.
  void end(Collected& into) { names_.search(into); }

  // As far as the file reached when it was opened.
  void read(const std::string& name, const storage::Descriptor& file, std::uint64_t size, Collected& into) {
    outer_.begin(name, into);
    for (std::uint64_t at = 0; at < size && !options_.stop.stop_requested();) {
      if (const std::uint64_t hole = size - at < kWorthSkipping ? 0 : std::min(storage::hole_at(file, at), size - at)) {
        outer_.zeros(hole);
        at += hole;
        continue;
      }
      std::span<char> room = outer_.room();
      room = room.first(static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), size - at)));
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
  Names names_;
};

class Visitor final : public storage::WalkVisitor {
 public:
  Visitor(FileReader& reader, Collected& into) : reader_(reader), into_(into) {}
  void file(const storage::WalkFile& file) override { reader_.read(std::string(file.path), *file.content, file.size, into_); }
  void name(std::string_view path, std::string_view name) override { reader_.name(path, name, into_); }
  bool wants_names() const override { return true; }
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
      : paths_(paths), matchers_(matchers), fingerprint_(fingerprint), options_(options), collected_(paths.size()), whole_(paths.size()) {}

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
    for (std::size_t i = 0; i < collected_.size(); ++i) {
      answers.push_back(collected_[i].take());
      answers.back().broken_off = !whole_[i];
    }
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
    else if (size.error().code() == Errc::not_found) collected_[place].set_gone();
    else collected_[place].add_unread("", size.error().message());
    const std::lock_guard lock(mutex_);
    whole_[place] = !options_.stop.stop_requested();
  }

  void walk(const Active& active, FileReader& reader) {
    Visitor visitor(reader, collected_[active.place]);
    active.walk->run(visitor);  // comes back when the whole directory is done
    reader.end(collected_[active.place]);
    const std::lock_guard lock(mutex_);
    whole_[active.place] = !options_.stop.stop_requested();
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
  std::vector<bool> whole_;  // with the lock held
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
  Answer answer = collected.take();
  answer.broken_off = options.stop.stop_requested();
  return answer;
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
