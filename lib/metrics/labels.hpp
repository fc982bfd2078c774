// What a label may be. Closed sets: no id, name, path or secret becomes a label, and a value that is not among them is counted as "other".
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace cleanerd::metrics {

inline constexpr std::string_view kOther = "other";

inline constexpr std::array<std::string_view, 2> kBuilders{"buildkit", "classic"};
inline constexpr std::array<std::string_view, 4> kBuildResults{"succeeded", "failed", "lost", "unknown"};
inline constexpr std::array<std::string_view, 6> kTriggers{"start", "build", "session", "interval", "low_disk", "request"};
inline constexpr std::array<std::string_view, 5> kPurgeResults{"clean", "secrets_left", "failed", "unreachable", "interrupted"};
inline constexpr std::array<std::string_view, 3> kGateResults{"clean", "secrets", "failed"};
// The contract's sources of a finding.
inline constexpr std::array<std::string_view, 9> kSources{"build-arg", "history", "env", "label", "description", "path", "content", "log", "known"};

// The sets that other libraries and the configuration decide.
struct Labels {
  std::vector<std::string> kinds;     // of residue: "image.tagged"
  std::vector<std::string> policies;  // the names in the effective policy
  std::vector<std::string> reasons;   // why something was kept: docs/reasons.md
};

}  // namespace cleanerd::metrics
