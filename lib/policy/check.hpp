#pragma once

#include <string>
#include <vector>

#include "match/load_rules.hpp"
#include "policy/load.hpp"

namespace cleanerd::policy {

struct Checked {
  Loaded configuration;
  match::LoadedRules rules;

  // All of both, each as render() writes it.
  std::vector<std::string> problems() const;
};

// The files, or those of `directory` where none is named, and the rules that they choose: `rules_dir`, else <directory>/rules.d. What is shipped
// is part of the rules.
Checked check(const std::vector<std::string>& files, const std::string& directory);

}  // namespace cleanerd::policy
