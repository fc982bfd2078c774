// Any text of a step is taken apart without reading beyond it.
#include "secrets/step_text.hpp"

#include <cstdint>
#include <cstdlib>

#include "base/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cleanerd;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto& found : {secrets::build_arguments(text), secrets::declaration(text).assignments, secrets::literal_assignments(text)})
    for (const auto& one : found)
      if (one.name.size() + one.value.size() > size) std::abort();
  (void)secrets::build_arguments(split(text, '\0'));
  (void)secrets::variables_used(secrets::command_of(text));
  return 0;
}
