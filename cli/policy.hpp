#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "cli/options.hpp"

namespace cleanerd::cli {

// `cleanerctl policy check|show`: asks no engine. `write` puts the result where the options say.
Result<ExitStatus> policy_command(const Options& options, const std::function<Status(const std::string&)>& write);

}  // namespace cleanerd::cli
