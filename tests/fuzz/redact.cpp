// Any text of the engine's comes out fit for a terminal.
#include <cstdint>
#include <cstdlib>

#include "base/text.hpp"
#include "report/document.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cleanerd;
  const std::string text(reinterpret_cast<const char*>(data), size);
  secrets::Findings findings;
  if (size >= 16) findings.known.add({SecretValue(std::string_view(text).substr(4, 8)), "fuzz", true});
  const std::string redacted = report::redact(text, findings);
  if (printable(redacted, 100000) != redacted) std::abort();
  return 0;
}
