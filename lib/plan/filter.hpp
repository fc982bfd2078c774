// --filter KEY=VALUE: same key = or, different keys = and.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "inventory/inventory.hpp"
#include "secrets/findings.hpp"

namespace cleanerd::plan {

struct Filter {
  std::vector<std::string> kinds;   // a kind, or its first part: "cache", "image.dangling"
  std::vector<std::string> labels;  // NAME or NAME=VALUE
  std::vector<std::string> images;  // globs over tag or id; only images match
  std::vector<std::string> rules;   // rule of a finding
  std::vector<std::string> builds;  // reference of a build on record, or how it begins: its record, and what came about during it
  std::optional<Instant> until;     // created (cache records: last used) before

  bool matches(const inventory::Object& object, std::span<const secrets::Finding> findings) const;
  // Freed pages of a database have neither time, labels nor a build: only kind and rule select them.
  bool matches_freed_pages(std::span<const secrets::Finding> findings) const;
};

// Errc::usage for an unknown key, kind or time; what may be a secret is not quoted.
Result<Filter> parse_filter(std::span<const std::string> arguments, Instant now);

// Errc::usage for a build of the filter that is not on record, where the engine has told of its builds.
Status check_builds(const Filter& filter, const inventory::Inventory& inventory);

}  // namespace cleanerd::plan
