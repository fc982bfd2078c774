#include "policy/check.hpp"

namespace cleanerd::policy {

std::vector<std::string> Checked::problems() const {
  std::vector<std::string> all;
  for (const Diagnostic& diagnostic : configuration.diagnostics) all.push_back(render(diagnostic));
  for (const match::Diagnostic& diagnostic : rules.diagnostics) all.push_back(match::render(diagnostic));
  return all;
}

Checked check(const std::vector<std::string>& files, const std::string& directory) {
  Loaded configuration = files.empty() ? load_directory(directory) : load_files(files);
  const std::string rules = configuration.policy.rules_dir ? *configuration.policy.rules_dir : directory + "/rules.d";
  return {std::move(configuration), match::shipped_rules({rules})};
}

}  // namespace cleanerd::policy
