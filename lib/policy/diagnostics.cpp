#include "policy/diagnostics.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace cleanerd::policy {

std::string render(const Diagnostic& diagnostic) {
  std::string out = diagnostic.file;
  if (diagnostic.line != 0) out += ":" + std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column);
  out += ": " + diagnostic.message;
  if (!diagnostic.snippet.empty()) {
    out += "\n  " + printable(diagnostic.snippet, 120) + "\n  ";
    out += std::string(static_cast<std::size_t>(std::clamp(diagnostic.column - 1, 0, 120)), ' ') + "^";
  }
  return out;
}

}  // namespace cleanerd::policy
