// The values that a job hands over: --secret-env, --secret-file, --secrets-from. Never on the command line, which is public.
#pragma once

#include "base/result.hpp"
#include "cli/options.hpp"
#include "service/job.hpp"

namespace cleanerd::cli {

// Errc::usage for an unset variable or an empty value, Errc::io for a file that cannot be read.
Result<service::DeclaredSecrets> read_declared(const Options& options);

}  // namespace cleanerd::cli
