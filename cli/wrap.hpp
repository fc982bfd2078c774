// `cleanerctl run`: a build command, and what it left.
#pragma once

#include "base/result.hpp"
#include "cli/options.hpp"
#include "service/process.hpp"

namespace cleanerd::cli {

// The command's own status when that is not 0 (128 + signal, as a shell has it), whatever came of the purge after it; else the purge's.
Result<ExitStatus> wrap(const Options& options, const service::Interruption& interruption);

}  // namespace cleanerd::cli
