// Any text as a rule file: problems, never a crash; and what loads also compiles.
#include <cstdint>
#include <string>

#include "match/load_rules.hpp"
#include "match/matcher.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cleanerd::match;
  LoadedRules loaded = load_rules_text("fuzz.yaml", std::string(reinterpret_cast<const char*>(data), size));
  for (const Diagnostic& diagnostic : loaded.diagnostics) (void)render(diagnostic);
  if (!loaded.diagnostics.empty()) return 0;
  const auto matcher = Matcher::make(std::move(loaded.set), {}, {});
  if (!matcher) return 0;
  auto scanner = matcher->scanner();
  if (scanner) scanner->scan_all("/a/.env", std::string(2000, 'a'), [](Match&&) {});
  return 0;
}
