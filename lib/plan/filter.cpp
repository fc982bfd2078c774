#include "plan/filter.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "plan/left_by.hpp"

namespace cleanerd::plan {
namespace {

using inventory::Object;

bool kind_matches(std::string_view wanted, std::string_view kind) {
  return kind == wanted || (kind.starts_with(wanted) && kind[wanted.size()] == '.');
}

bool label_matches(const std::string& wanted, const engine::Labels& labels) {
  const auto equals = wanted.find('=');
  const auto label = labels.find(wanted.substr(0, equals));
  return label != labels.end() && (equals == std::string::npos || label->second == wanted.substr(equals + 1));
}

bool image_matches(const std::string& glob, const Object& object) {
  const auto* image = object.image();
  if (!image) return false;
  return glob_match(glob, object.engine_id()) || glob_match(glob, image->summary.id.short_form()) ||
         std::ranges::any_of(image->summary.tags, [&](const std::string& tag) { return glob_match(glob, tag); });
}

bool build_matches(const std::string& wanted, const Object& object, bool secret) {
  return std::ranges::any_of(left_by(object, secret), [&](const std::string& build) { return build.starts_with(wanted); });
}

bool is_kind(std::string_view wanted) {
  return kind_matches(wanted, inventory::kFreedPages) ||
         std::ranges::any_of(inventory::all_kinds(), [&](inventory::Kind kind) { return kind_matches(wanted, to_string(kind)); });
}

bool has_rule(const std::string& rule, std::span<const secrets::Finding> findings) {
  return std::ranges::any_of(findings, [&](const secrets::Finding& finding) { return finding.rule == rule; });
}

std::string quoted(const std::string& word, const std::string& otherwise) { return is_usual_word(word) ? "'" + word + "'" : otherwise; }

template <class Test>
bool any_or_none_given(const std::vector<std::string>& wanted, const Test& test) {
  return wanted.empty() || std::ranges::any_of(wanted, test);
}

}  // namespace

bool Filter::matches(const Object& object, std::span<const secrets::Finding> findings) const {
  if (until) {
    const auto last_used = object.cache() ? object.last_used() : std::nullopt;
    const auto at = last_used ? last_used : object.created();
    if (!at || *at >= *until) return false;
  }
  return any_or_none_given(kinds, [&](const std::string& kind) { return kind_matches(kind, to_string(object.kind)); }) &&
         any_or_none_given(labels, [&](const std::string& label) { return label_matches(label, object.labels()); }) &&
         any_or_none_given(images, [&](const std::string& glob) { return image_matches(glob, object); }) &&
         any_or_none_given(builds, [&](const std::string& build) { return build_matches(build, object, !findings.empty()); }) &&
         any_or_none_given(rules, [&](const std::string& rule) { return has_rule(rule, findings); });
}

bool Filter::matches_freed_pages(std::span<const secrets::Finding> findings) const {
  return !until && labels.empty() && images.empty() && builds.empty() &&
         any_or_none_given(kinds, [&](const std::string& kind) { return kind_matches(kind, inventory::kFreedPages); }) &&
         any_or_none_given(rules, [&](const std::string& rule) { return has_rule(rule, findings); });
}

Status check_builds(const Filter& filter, const inventory::Inventory& inventory) {
  if (!inventory.lists(inventory::Kind::history_record)) return {};
  for (const std::string& wanted : filter.builds) {
    const bool known = std::ranges::any_of(inventory.objects(), [&](const Object& object) { return object.build() && object.build()->ref.str().starts_with(wanted); });
    if (!known) return Error(Errc::usage, "--build: no build on record has this reference, or one that begins so; `cleanerctl builds` lists them");
  }
  return {};
}

Result<Filter> parse_filter(std::span<const std::string> arguments, Instant now) {
  Filter filter;
  for (const std::string& argument : arguments) {
    const auto equals = argument.find('=');
    const std::string key = argument.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : argument.substr(equals + 1);
    if (value.empty()) return Error(Errc::usage, "--filter wants KEY=VALUE, not " + quoted(argument, "what is given"));
    if (key == "kind") {
      if (!is_kind(value)) return Error(Errc::usage, "--filter kind: there is no kind " + quoted(value, "of this name"));
      filter.kinds.push_back(value);
    } else if (key == "label") {
      filter.labels.push_back(value);
    } else if (key == "image") {
      filter.images.push_back(value);
    } else if (key == "rule") {
      filter.rules.push_back(value);
    } else if (key == "until") {
      const auto until = parse_until(value, now);
      if (!until) return Error(Errc::usage, "--filter until: expected a duration (24h), a date or a time, not " + quoted(value, "what is given"));
      filter.until = filter.until ? std::max(*filter.until, *until) : *until;
    } else if (key == "build") {
      filter.builds.push_back(value);
    } else {
      return Error(Errc::usage, "--filter: unknown key " + quoted(key, "given") + "; expected kind, label, until, image, build or rule");
    }
  }
  return filter;
}

}  // namespace cleanerd::plan
