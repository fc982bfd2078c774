#include "cli/policy.hpp"

#include "base/text.hpp"
#include "policy/check.hpp"
#include "policy/show.hpp"
#include "service/setup.hpp"

namespace cleanerd::cli {
namespace {

Result<ExitStatus> check(const Options& options, const std::function<Status(const std::string&)>& write) {
  std::vector<std::string> files = options.files;
  if (!options.config_file.empty()) files.insert(files.begin(), options.config_file);
  const policy::Checked checked = policy::check(files, service::kConfigDirectory);
  std::string message;
  for (const std::string& problem : checked.problems()) message += (message.empty() ? "" : "\n") + problem;
  if (!message.empty()) return Error(Errc::config, message);
  if (options.quiet) return ExitStatus::done;
  std::string text;
  for (const std::string& file : checked.configuration.files) text += printable(file) + "\n";
  for (const std::string& file : checked.rules.files)
    if (!file.starts_with("shipped:")) text += printable(file) + "\n";
  text += "In order: " + std::to_string(checked.configuration.policy.policies.size()) +
          (checked.configuration.policy.policies.size() == 1 ? " policy, " : " policies, ") + plural(checked.rules.set.rules.size(), "rule") + " for secrets.\n";
  if (Status written = write(text); !written) return std::move(written).error();
  return ExitStatus::done;
}

}  // namespace

Result<ExitStatus> policy_command(const Options& options, const std::function<Status(const std::string&)>& write) {
  if (options.command == Command::policy_check) return check(options, write);
  auto policy = service::load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  if (Status written = write(policy::show(*policy)); !written) return std::move(written).error();
  return ExitStatus::done;
}

}  // namespace cleanerd::cli
