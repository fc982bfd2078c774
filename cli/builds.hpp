#pragma once

#include <functional>

#include "cli/options.hpp"
#include "service/process.hpp"

namespace cleanerd::cli {

// `cleanerctl builds`: the list goes to `write`; with --follow, each line to stdout at once until the stop or the reader's end.
Result<ExitStatus> builds(const Options& options, const service::Interruption& interruption, const std::function<Status(const std::string&)>& write);

}  // namespace cleanerd::cli
