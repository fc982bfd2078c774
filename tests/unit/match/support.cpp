#include "unit/match/support.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "match/database.hpp"

namespace cleanerd::match {

Matcher matcher_of(RuleSet rules, std::vector<SecretValue> known) {
  auto matcher = Matcher::make(std::move(rules), std::move(known), {});
  if (!matcher) throw std::runtime_error(matcher.error().message());
  return std::move(*matcher);
}

Matcher matcher_of_text(const std::string& yaml, std::vector<SecretValue> known) {
  LoadedRules loaded = load_rules_text("rules.yaml", yaml);
  if (!loaded.diagnostics.empty()) throw std::runtime_error(render(loaded.diagnostics[0]));
  return matcher_of(std::move(loaded.set), std::move(known));
}

Scanner scanner_of(const Matcher& matcher) {
  auto scanner = matcher.scanner();
  if (!scanner) throw std::runtime_error(scanner.error().message());
  return std::move(*scanner);
}

std::vector<Match> scan(Scanner& scanner, std::string_view path, std::string_view bytes) {
  std::vector<Match> matches;
  scanner.scan_all(path, bytes, [&](Match&& match) { matches.push_back(std::move(match)); });
  return matches;
}

std::vector<Match> stream(Scanner& scanner, std::string_view path, std::string_view bytes, std::size_t piece) {
  std::vector<Match> matches;
  const Sink sink = [&](Match&& match) { matches.push_back(std::move(match)); };
  scanner.begin(path);
  while (!bytes.empty()) {
    const auto room = scanner.room();
    const std::size_t size = std::min({piece, room.size(), bytes.size()});
    std::memcpy(room.data(), bytes.data(), size);
    scanner.filled(size, sink);
    bytes.remove_prefix(size);
  }
  scanner.finish(sink);
  return matches;
}

std::string filler(std::size_t size) {
  static constexpr std::string_view kWords = "the quick brown fox jumps over the lazy dog and runs away\n";
  std::string text;
  text.reserve(size + kWords.size());
  while (text.size() < size) text += kWords;
  text.resize(size);
  return text;
}

std::string wide(std::string_view text) {
  std::string out;
  for (const char c : text) (out += c) += '\0';
  return out;
}

std::vector<bool> vectorscan_finds(const std::string& pattern, const std::vector<std::string>& texts) {
  if (auto ready = prepare_vectorscan(); !ready) throw std::runtime_error(ready.error().message());
  PatternList patterns;
  patterns.add_expression(pattern);
  const auto database = patterns.compile();
  if (!database) throw std::runtime_error(database.error().message());
  hs_scratch_t* raw = nullptr;
  hs_alloc_scratch(database->get(), &raw);
  const Scratch scratch(raw);
  const auto on_match = [](unsigned, unsigned long long, unsigned long long, unsigned, void* context) {
    *static_cast<bool*>(context) = true;
    return 0;
  };
  std::vector<bool> all;
  for (const std::string& text : texts) {
    bool found = false;
    hs_scan(database->get(), text.data(), static_cast<unsigned>(text.size()), 0, raw, on_match, &found);
    all.push_back(found);
  }
  return all;
}

}  // namespace cleanerd::match
