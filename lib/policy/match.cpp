#include "policy/match.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace cleanerd::policy {
namespace {

using inventory::Object;

bool any_fits(const std::vector<std::string>& globs, std::string_view text) {
  return std::ranges::any_of(globs, [&](const std::string& glob) { return glob_match(glob, text); });
}

bool is_older(std::optional<Instant> since, Duration age, Instant now) { return since && now - *since > age; }

bool is_tagged_as(const Object& object, const std::vector<std::string>& globs) {
  const auto* image = object.image();
  return image && std::ranges::any_of(image->summary.tags, [&](const std::string& tag) { return any_fits(globs, tag); });
}

}  // namespace

bool LabelRule::matches(const engine::Labels& labels) const {
  const auto label = labels.find(name);
  return label != labels.end() && (!value || *value == label->second);
}

bool Match::empty() const {
  return kinds.empty() && !secret && rules.empty() && !older_than && !unused_for && !larger_than && labels.empty() && images.empty() &&
         builds.empty();
}

bool Match::names(inventory::Kind kind) const { return std::ranges::find(kinds, to_string(kind)) != kinds.end(); }

bool Match::matches(const Object& object, std::span<const secrets::Finding> findings, Instant now) const {
  if (object.kind == inventory::Kind::container_running) return false;
  if (!kinds.empty() && !any_fits(kinds, to_string(object.kind))) return false;
  if (secret && *secret == findings.empty()) return false;
  if (!rules.empty() && std::ranges::none_of(findings, [&](const secrets::Finding& finding) { return any_fits(rules, finding.rule); })) return false;
  if (older_than && !is_older(object.created(), *older_than, now)) return false;
  if (unused_for && !is_older(last_use(object), *unused_for, now)) return false;
  if (larger_than && object.size() <= *larger_than) return false;
  if (!labels.empty() && std::ranges::none_of(labels, [&](const LabelRule& rule) { return rule.matches(object.labels()); })) return false;
  if (!images.empty() && !is_tagged_as(object, images)) return false;
  return builds.empty() || (object.build() && any_fits(builds, object.build()->ref.str())) ||
         (object.cache() && object.builds.size() == 1 && any_fits(builds, object.builds[0].str()));
}

std::optional<Instant> last_use(const Object& object) {
  if (const auto* record = object.cache()) return record->last_used ? record->last_used : record->created;
  if (const auto* build = object.build()) return build->completed ? build->completed : build->created;
  return object.last_used();
}

bool is_kind_glob(std::string_view glob) {
  return std::ranges::any_of(inventory::all_kinds(), [&](inventory::Kind kind) {
    return kind != inventory::Kind::container_running && glob_match(glob, to_string(kind));
  });
}

}  // namespace cleanerd::policy
