#include "search/names.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <utility>

namespace cleanerd::search {
namespace {

constexpr std::size_t kMost = 256u << 10;  // bytes at a time, of names and their paths

// A run of letters and digits of one word.
struct Run {
  std::size_t size = 0, changes = 0;
  std::array<bool, 3> has{};  // small letters, capitals, digits

  bool is_mixed() const { return has[2] || (has[0] && has[1]); }
  bool is_no_word() const { return (size >= 12 && is_mixed()) || (size >= 8 && has[0] && has[1] && has[2] && changes * 100 >= size * 42); }
};

bool in(char c, char first, char last) { return c >= first && c <= last; }

// What was taken for a secret and is a file's name ("server-certificate.key") is in every layer that has such a file. A password is none,
// nor is what was made at random.
bool is_no_word(std::string_view value) {
  Run run;
  std::size_t last = 3;
  for (const char c : value) {
    const std::size_t kind = in(c, 'a', 'z') ? 0 : in(c, 'A', 'Z') ? 1 : in(c, '0', '9') ? 2 : 3;
    if (kind == 3) {
      if (std::string_view("-_./ +=:,@~%").find(c) == std::string_view::npos) return true;
      run = {};
    } else {
      ++run.size;
      run.changes += last != 3 && last != kind;
      run.has[kind] = true;
      if (run.is_no_word()) return true;
    }
    last = kind;
  }
  return false;
}

bool counts(const Hit& hit) { return hit.value && (hit.rule.empty() ? is_no_word(hit.value->reveal()) : hit.anywhere); }

}  // namespace

void Names::add(std::string_view path, std::string_view name, Collected& into) {
  if (text_.size() + paths_.size() > kMost) search(into);
  lines_.push_back({text_.size(), paths_.size()});
  (text_ += name) += '\0';
  paths_ += path;
}

void Names::search(Collected& into) {
  if (lines_.empty()) return;
  Collected found(std::numeric_limits<std::size_t>::max());  // no more than fit into the text
  streams_.begin("", found);
  streams_.append(text_);
  streams_.finish();
  for (Hit& hit : found.take().hits) {
    if (hit.rule.empty() || hit.anywhere) into.hide_in_paths(text_.substr(hit.begin, hit.end - hit.begin), hit.masked);
    if (!counts(hit)) continue;
    const auto next = std::ranges::upper_bound(lines_, hit.begin, {}, &Line::text);
    const std::size_t path = std::prev(next)->path, end = next == lines_.end() ? paths_.size() : next->path;
    hit.file = paths_.substr(path, end - path);
    hit.begin = hit.end = 0;
    into.add(std::move(hit));
  }
  text_.clear();
  paths_.clear();
  lines_.clear();
}

}  // namespace cleanerd::search
