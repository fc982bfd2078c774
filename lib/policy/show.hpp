#pragma once

#include <string>

#include "policy/policy.hpp"

namespace cleanerd::policy {

// The whole policy as YAML that load_text reads as this policy; passwords in URLs are masked. Names of secrets and the label that are built in
// are left out: they count whatever a file says.
std::string show(const Policy& policy);

}  // namespace cleanerd::policy
