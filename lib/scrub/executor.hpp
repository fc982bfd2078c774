// Removes what an interrupted step of BuildKit has left: <data root>/buildkit/executor/<id>, with the step's environment in its
// config.json (BuildKit executor/runcexecutor). No API reaches it, and BuildKit itself never comes back to it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace cleanerd::scrub {

// The directory and what is in it, without following a link or crossing a mount point. The caller has made sure that the step does
// not run. Errc::not_found: it is gone, or `id` is no name of such a directory; ::conflict: something is mounted in it, which stays,
// while everything beside it is removed; ::io for the rest.
Status remove_executor_leftover(const std::string& data_root, std::string_view id);

// 25 letters and digits.
bool is_executor_id(std::string_view id);

}  // namespace cleanerd::scrub
