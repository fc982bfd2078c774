#pragma once

#include "base/result.hpp"
#include "cli/options.hpp"
#include "service/process.hpp"

namespace cleanerd::cli {

// Runs the command. An error is the one line that stderr gets; the result itself goes to stdout or --output.
Result<ExitStatus> run_command(const Options& options, const service::Interruption& interruption);

}  // namespace cleanerd::cli
