// `policies:` → NamedPolicy. Internal to the library.
#pragma once

#include <vector>

#include "policy/named_policy.hpp"
#include "policy/node_reader.hpp"

namespace cleanerd::policy {

// Adds what is read without a problem. One named as a built-in policy takes its place; every other name may stand once.
void read_policies(NodeReader& reader, const YAML::Node& node, std::vector<NamedPolicy>& policies);

}  // namespace cleanerd::policy
