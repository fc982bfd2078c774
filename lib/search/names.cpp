#include "search/names.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cleanerd::search {
namespace {

constexpr std::size_t kMost = 64u << 10;  // bytes of names at a time

constexpr std::size_t kLeastRun = 12;

bool in(char c, char first, char last) { return c >= first && c <= last; }

// A run of letters and digits that no words are. What was taken for a secret and is a file's name ("server-certificate.key") is in
// every layer that has such a file.
bool is_no_word(std::string_view value) {
  std::size_t run = 0;
  bool digit = false, small = false, capital = false;
  for (const char c : value) {
    const bool is_digit = in(c, '0', '9'), is_small = in(c, 'a', 'z'), is_capital = in(c, 'A', 'Z');
    if (!is_digit && !is_small && !is_capital) {
      run = 0;
      digit = small = capital = false;
      continue;
    }
    ++run;
    digit |= is_digit, small |= is_small, capital |= is_capital;
    if (run >= kLeastRun && (digit || (small && capital))) return true;
  }
  return false;
}

bool counts(const Hit& hit) { return hit.value && (hit.rule.empty() ? is_no_word(hit.value->reveal()) : hit.anywhere); }

}  // namespace

void Names::add(std::string_view path, std::string_view name, Collected& into) {
  if (text_.size() > kMost) search(into);
  lines_.push_back({text_.size(), paths_.size()});
  (text_ += name) += '\0';
  paths_ += path;
}

void Names::search(Collected& into) {
  if (lines_.empty()) return;
  Collected found;
  streams_.begin("", found);
  streams_.append(text_);
  streams_.finish();
  for (Hit& hit : found.take().hits) {
    if (!counts(hit)) continue;
    const auto next = std::ranges::upper_bound(lines_, hit.begin, {}, &Line::text);
    const std::size_t path = std::prev(next)->path, end = next == lines_.end() ? paths_.size() : next->path;
    into.hide_in_paths(text_.substr(hit.begin, hit.end - hit.begin), hit.masked);
    hit.file = paths_.substr(path, end - path);
    hit.begin = hit.end = 0;
    into.add(std::move(hit));
  }
  text_.clear();
  paths_.clear();
  lines_.clear();
}

}  // namespace cleanerd::search
