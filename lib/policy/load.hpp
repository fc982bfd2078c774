// YAML files → Policy. Schema: docs/configuration.md, config/cleanerd.schema.json.
#pragma once

#include <string>
#include <vector>

#include "policy/diagnostics.hpp"
#include "policy/policy.hpp"

namespace cleanerd::policy {

struct Loaded {
  Policy policy;
  std::vector<std::string> files;        // read, in order; a later one overrides single values and adds to lists
  std::vector<Diagnostic> diagnostics;   // all problems of all files; the policy must not be used when there are any
};

// Files that the person named, in this order: that one is absent is a problem.
Loaded load_files(const std::vector<std::string>& paths);

// <directory>/cleanerd.yaml, then <directory>/conf.d/*.yaml in the order of their names. None of them is the default policy.
Loaded load_directory(const std::string& directory);

// For tests and fuzzing: `text` as the content of `file`.
Loaded load_text(const std::string& file, const std::string& text);

}  // namespace cleanerd::policy
