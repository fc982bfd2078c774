// YAML files → RuleSet.
#pragma once

#include <string>
#include <vector>

#include "match/rule.hpp"

namespace cleanerd::match {

struct Diagnostic {
  std::string file;
  int line = 0;    // from 1; 0: the file as a whole
  int column = 0;
  std::string message;
  std::string snippet;
};

// "file:line:column: message", the line and a caret below it.
std::string render(const Diagnostic& diagnostic);

struct LoadedRules {
  RuleSet set;
  std::vector<std::string> files;       // read, in order
  std::vector<Diagnostic> diagnostics;  // all problems of all files; the set must not be used when there are any
};

// <directory>/*.yaml of each directory in order of their names; a directory that is absent holds no rules. A rule whose id
// an earlier directory has replaces that one.
LoadedRules load_rules(const std::vector<std::string>& directories);

// The rules that are part of the program (config/rules, without their examples), then <directory>/*.yaml of each directory as
// above: a rule there replaces the shipped one of its id. `file` of a shipped rule is "shipped:<name>.yaml".
LoadedRules shipped_rules(const std::vector<std::string>& user_directories = {});
// The hash that their set will have, from the files' bytes alone.
std::string shipped_rules_hash(const std::vector<std::string>& user_directories = {});

// For tests and fuzzing: `text` as the content of `file`.
LoadedRules load_rules_text(const std::string& file, const std::string& text);

}  // namespace cleanerd::match
