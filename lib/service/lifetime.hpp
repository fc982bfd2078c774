// How long a session may stay open.
#pragma once

#include <chrono>

namespace cleanerd::service {

inline constexpr std::chrono::hours kLongestSession{24};

}  // namespace cleanerd::service
