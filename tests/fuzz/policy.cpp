// Any file of configuration is read, or refused with a place and a message that is fit for a terminal.
#include <cstdlib>

#include "base/text.hpp"
#include "policy/load.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto loaded = cleanerd::policy::load_text("fuzz.yaml", std::string(reinterpret_cast<const char*>(data), size));
  for (const auto& diagnostic : loaded.diagnostics) {
    if (diagnostic.message.empty() || diagnostic.line < 0 || diagnostic.column < 0) std::abort();
    for (const auto& line : cleanerd::split(render(diagnostic), '\n'))
      if (cleanerd::printable(line, 100000) != line) std::abort();
  }
  return 0;
}
