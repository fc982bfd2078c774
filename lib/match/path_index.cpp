#include "match/path_index.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace cleanerd::match {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool fits(std::string_view pattern, std::string_view path) {
  for (;;) {
    if (!glob_match(last_part(pattern), last_part(path))) return false;
    const auto pattern_slash = pattern.rfind('/');
    if (pattern_slash == std::string_view::npos) return true;
    if (pattern_slash == 0) return path.rfind('/') == 0 || path.find('/') == std::string_view::npos;
    const auto path_slash = path.rfind('/');
    if (path_slash == std::string_view::npos || path_slash == 0) return false;
    pattern = pattern.substr(0, pattern_slash);
    path = path.substr(0, path_slash);
  }
}

}  // namespace

void PathIndex::add(std::string_view pattern, std::size_t rule) {
  Entry entry{lower(pattern), rule};
  const std::string name(last_part(entry.pattern));
  if (name.find_first_of("*?") == std::string::npos) by_name_[name].push_back(std::move(entry));
  else if (name.starts_with("*.") && name.find_first_of("*?.", 2) == std::string::npos)
    by_extension_[name.substr(2)].push_back(std::move(entry));
  else others_.push_back(std::move(entry));
}

void PathIndex::find(std::string_view path, std::vector<std::size_t>& rules) const {
  rules.clear();
  const std::string folded = lower(path);
  const std::string_view name = last_part(folded);
  const auto keep = [&](const std::vector<Entry>& entries) {
    for (const Entry& entry : entries)
      if (std::ranges::find(rules, entry.rule) == rules.end() && fits(entry.pattern, folded)) rules.push_back(entry.rule);
  };
  if (const auto found = by_name_.find(std::string(name)); found != by_name_.end()) keep(found->second);
  if (const auto dot = name.rfind('.'); dot != std::string_view::npos)
    if (const auto found = by_extension_.find(std::string(name.substr(dot + 1))); found != by_extension_.end()) keep(found->second);
  keep(others_);
}

bool path_fits(std::string_view pattern, std::string_view path) { return fits(lower(pattern), lower(path)); }

}  // namespace cleanerd::match
