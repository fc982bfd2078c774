// YAML files → Policy. Schema: docs/configuration.md.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.hpp"

namespace cleanerd::policy {

struct Diagnostic {
  std::string file;
  int line = 0;    // from 1; 0: the file as a whole
  int column = 0;
  std::string message;  // what is wrong and what was expected
  std::string snippet;  // the line in question; empty where it could hold a secret or there is none
};

// "file:line:column: message", the line and a caret below it.
std::string render(const Diagnostic& diagnostic);

struct Loaded {
  Policy policy;
  std::vector<std::string> files;        // read, in order; a later one overrides single values and adds to lists
  std::vector<Diagnostic> diagnostics;   // all problems of all files; the policy must not be used when there are any
};

// One file, named by the person: its absence is a problem.
Loaded load_file(const std::string& path);

// <directory>/cleanerd.yaml, then <directory>/conf.d/*.yaml in the order of their names. None of them is the default policy.
Loaded load_directory(const std::string& directory);

// For tests and fuzzing: `text` as the content of `file`.
Loaded load_text(const std::string& file, const std::string& text);

}  // namespace cleanerd::policy
