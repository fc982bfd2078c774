#include "search/streams.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <tuple>

#include "match/build_log.hpp"

namespace cleanerd::search {
namespace {

constexpr std::size_t kMostHidden = 200;

using match::Matcher;
using match::Scanner;

Hit make_hit(match::Match&& found, const Matcher& matcher, const std::string& file, const Fingerprinter& fingerprint) {
  Hit hit;
  const SecretValue& secret = found.known == match::Match::kNone ? found.secret : matcher.known()[found.known];
  if (found.rule != match::Match::kNone) {
    const match::Rule& rule = matcher.rules()[found.rule];
    hit.rule = rule.id;
    hit.description = rule.description;
    hit.tier = rule.tier;
    // A prefix that only stands before the secret ("//host/:_authToken=") gives it away in this place alone.
    hit.anywhere = rule.tier == match::Tier::any &&
                   std::ranges::any_of(rule.prefixes, [&](const std::string& prefix) { return secret.reveal().starts_with(prefix); });
  }
  hit.file = file;
  hit.begin = found.begin;
  hit.end = found.end;
  hit.encoding = found.encoding;
  hit.checked = found.checked;
  if (secret.size() != 0) {
    hit.fingerprint = fingerprint(secret);
    hit.masked = mask(secret);
    hit.value = secret;
  }
  return hit;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) text.replace(at, what.size(), by);
  return text;
}

}  // namespace

void Collected::add(Hit hit) {
  const std::lock_guard lock(mutex_);
  if (answer_.hits.size() < most_hits_) answer_.hits.push_back(std::move(hit));
  else ++answer_.left_out;
}

void Collected::add_unread(std::string file, std::string reason) {
  const std::lock_guard lock(mutex_);
  if (answer_.unread.size() < kMaxHits) answer_.unread.push_back({std::move(file), std::move(reason)});
  else if (answer_.unread.size() == kMaxHits) answer_.unread.push_back({"", "more in it could not be read than is told"});
}

void Collected::add_bytes(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  answer_.bytes += bytes;
}

void Collected::hide_in_paths(const std::string& spelled, const std::string& masked) {
  const std::lock_guard lock(mutex_);
  if (hidden_.size() <= kMostHidden) hidden_.emplace(spelled, masked);
}

Answer Collected::take() {
  const auto hide = [&](std::string& path) {
    if (hidden_.size() > kMostHidden) path = "(a path; too many of them hold secrets)";
    else for (const auto& [spelled, masked] : hidden_) path = replaced(std::move(path), spelled, masked);
  };
  for (Hit& hit : answer_.hits) hide(hit.file);
  for (UnreadFile& file : answer_.unread) hide(file.file);
  std::ranges::sort(answer_.hits, {}, [](const Hit& hit) { return std::tie(hit.file, hit.begin, hit.end, hit.rule); });
  std::ranges::sort(answer_.unread, {}, &UnreadFile::file);
  return std::move(answer_);
}

Streams::Streams(std::span<const Matcher* const> matchers, const Fingerprinter& fingerprint) : matchers_(matchers), fingerprint_(fingerprint) {
  for (const Matcher* matcher : matchers) {
    auto scanner = matcher->scanner();
    if (!scanner) throw std::bad_alloc();
    scanners_.push_back(std::move(*scanner));
  }
}

void Streams::begin(const std::string& path, Collected& into) {
  if (buffer_.empty()) buffer_.resize(Scanner::kChunk + Scanner::kOverlap);
  path_ = path;
  into_ = &into;
  offset_ = 0;
  filled_ = 0;
  for (Scanner& scanner : scanners_) scanner.begin(path);
}

void Streams::filled(std::size_t count) {
  filled_ += count;
  if (filled_ < buffer_.size()) return;
  scan(Scanner::Part::more);
  std::memmove(buffer_.data(), buffer_.data() + filled_ - Scanner::kOverlap, Scanner::kOverlap);
  offset_ += filled_ - Scanner::kOverlap;
  filled_ = Scanner::kOverlap;
}

void Streams::append(std::span<const char> bytes) {
  while (!bytes.empty()) {
    const std::span<char> to = room();
    const std::size_t size = std::min(to.size(), bytes.size());
    std::memcpy(to.data(), bytes.data(), size);
    filled(size);
    bytes = bytes.subspan(size);
  }
}

void Streams::zeros(std::uint64_t count) {
  for (std::uint64_t seen = 0; count > 0;) {
    if (filled_ == Scanner::kOverlap && seen >= Scanner::kOverlap) {
      offset_ += count;
      return;
    }
    const std::span<char> to = room();
    const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(to.size(), count));
    std::fill_n(to.data(), size, '\0');
    filled(size);
    seen += size;
    count -= size;
  }
}

std::uint64_t Streams::finish() {
  scan(Scanner::Part::last);
  return offset_ + filled_;
}

void Streams::scan(Scanner::Part part) {
  if (offset_ == 0) is_build_log_ = match::is_build_log({buffer_.data(), filled_});
  for (std::size_t i = 0; i < scanners_.size(); ++i)
    scanners_[i].scan(std::span(buffer_).first(filled_), offset_, part, [&](match::Match&& found) {
      Hit hit = make_hit(std::move(found), *matchers_[i], path_, fingerprint_);
      if (is_build_log_) hit.tier = match::Tier::any;
      into_->add(std::move(hit));
    });
}

}  // namespace cleanerd::search
