// Commands that do their work in this process.
#pragma once

#include "base/result.hpp"
#include "cli/options.hpp"
#include "service/job.hpp"
#include "service/process.hpp"

namespace cleanerd::cli {

// scan, plan, purge, verify, gate, explain and builds.
Result<ExitStatus> run_local(const Options& options, const policy::Policy& policy, service::DeclaredSecrets declared, const service::Interruption& interruption);
// Asks no engine: it is stopped, or this only looks.
Result<ExitStatus> scrub_host(const Options& options, const service::Interruption& interruption);

// What a purge asks before it removes anything. The first has shown its plan already.
bool person_agrees(std::size_t objects, const service::Interruption& interruption);
bool person_agrees(const report::Document& plan, const service::Interruption& interruption);

// The job that a command is, --dry-run being a plan.
service::Job job_of(const Options& options, service::DeclaredSecrets declared);

// Writes the result and passes the status or the error on.
Result<ExitStatus> tell(const Options& options, const service::JobResult& result);

}  // namespace cleanerd::cli
