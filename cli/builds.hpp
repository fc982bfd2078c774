#pragma once

#include "cli/options.hpp"
#include "service/process.hpp"

namespace cleanerd::cli {

// `cleanerctl builds --follow`: a line for each build on record, then for each as it starts and ends, to stdout at once until the stop or the
// reader's end.
Result<ExitStatus> follow_builds(const Options& options, const service::Interruption& interruption);

}  // namespace cleanerd::cli
