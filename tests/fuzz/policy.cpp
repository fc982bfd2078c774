// Any file of configuration is read, or refused with a place and a message that is fit for a terminal. What is read can be shown, and what
// is shown is read as the same.
#include <cstdlib>

#include "base/text.hpp"
#include "policy/load.hpp"
#include "policy/show.hpp"

namespace {

using namespace cleanerd;

void check_problem(const policy::Diagnostic& problem) {
  if (problem.message.empty() || problem.line < 0 || problem.column < 0) std::abort();
  for (const auto& line : split(render(problem), '\n'))
    if (printable(line, 100000) != line) std::abort();
}

void check_shown(const policy::Policy& policy) {
  const std::string shown = show(policy);
  const auto again = policy::load_text("shown.yaml", shown);
  if (!again.diagnostics.empty() || show(again.policy) != shown) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto loaded = policy::load_text("fuzz.yaml", std::string(reinterpret_cast<const char*>(data), size));
  for (const auto& problem : loaded.diagnostics) check_problem(problem);
  if (loaded.diagnostics.empty()) check_shown(loaded.policy);
  return 0;
}
