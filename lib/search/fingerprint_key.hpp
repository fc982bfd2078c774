#pragma once

#include <string>

#include "base/secret_value.hpp"

namespace cleanerd::search {

// The host's key for fingerprints: <state_dir>/fingerprint.key (32 random bytes, 0600), made on first use. Where it can be
// neither read nor made, a key for this run alone: fingerprints then compare within one result only.
Fingerprinter::Key fingerprint_key(const std::string& state_dir);

}  // namespace cleanerd::search
