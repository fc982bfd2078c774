#include "search/merge.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace cleanerd::search {
namespace {

// "a/x-gh****Yz.json": what is before the secret, its mask, and what is after it in the name.
using Named = std::tuple<std::size_t, std::string, std::string, std::string>;  // the first orders: a directory before what is in it

std::set<Named> named_in(const Answer& answer) {
  std::set<Named> all;
  for (const Hit& hit : answer.hits) {
    const auto at = hit.end != 0 || hit.masked.empty() ? std::string::npos : hit.file.rfind(hit.masked);
    if (at == std::string::npos) continue;
    const auto after = at + hit.masked.size();
    all.emplace(at, hit.file.substr(0, at), hit.masked, hit.file.substr(after, hit.file.find_first_of("/!", after) - after));
  }
  return all;
}

void hide(const Named& named, std::string& path) {
  const auto& [size, before, masked, after] = named;
  if (!path.starts_with(before)) return;
  const auto name = std::string_view(path).substr(size, path.find_first_of("/!", size) - size);
  const auto stars = masked.find("****");
  const std::string end = (stars == std::string::npos ? "" : masked.substr(stars + 4)) + after;
  if (!name.starts_with(std::string_view(masked).substr(0, stars)) || !name.ends_with(end)) return;
  path.replace(size, name.size() - after.size(), masked);
}

// What one reading found in names it has hidden in the paths that it tells. The other, for other values, tells them as they are.
void hide_what_is_named(const Answer& by, Answer& in) {
  for (const Named& named : named_in(by)) {
    for (Hit& hit : in.hits) hide(named, hit.file);
    for (UnreadFile& file : in.unread) hide(named, file.file);
  }
}

}  // namespace

void merge(Answer& answer, Answer&& more) {
  hide_what_is_named(answer, more);
  hide_what_is_named(more, answer);
  const auto same = [](const Hit& a, const Hit& b) {
    return a.rule == b.rule && a.file == b.file && a.begin == b.begin && a.end == b.end && a.fingerprint == b.fingerprint;
  };
  for (Hit& hit : more.hits) {
    const auto known = std::ranges::find_if(answer.hits, [&](const Hit& other) { return same(hit, other); });
    if (known == answer.hits.end()) answer.hits.push_back(std::move(hit));
    else {
      if (!known->value) known->value = std::move(hit.value);
      if (known->description.empty()) known->description = std::move(hit.description);
    }
  }
  answer.unread = std::move(more.unread);
  answer.left_out += more.left_out;
}

}  // namespace cleanerd::search
