// The values that a job hands over: --secret-env, --secret-file, --secrets-from. Never on the command line, which is public.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "cli/options.hpp"
#include "inventory/inventory.hpp"
#include "secrets/value_set.hpp"

namespace cleanerd::cli {

struct DeclaredSecrets {
  std::vector<secrets::KnownValue> values;
  std::vector<inventory::Unread> unsearchable;  // too short or too common: a result over them is not complete
};

// Errc::usage for an unset variable or an empty value, Errc::io for a file that cannot be read.
Result<DeclaredSecrets> read_declared(const Options& options);

}  // namespace cleanerd::cli
