#include "secrets/dockerfile.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "base/text.hpp"
#include "storage/file.hpp"

namespace cleanerd::secrets {
namespace {

constexpr std::size_t kLargest = 1u << 20;
constexpr std::size_t kMostFiles = 64;  // of one record
constexpr std::chrono::seconds kRelease{2};  // BuildKit lets go of a record, and notes its use, a moment after the build

// $T, ${T}, ${T:-x}; in quotes, too.
std::string_view variable_in(std::string_view value) {
  if (!value.empty() && (value.front() == '"' || value.front() == '\'')) value.remove_prefix(1);
  if (!value.starts_with('$')) return {};
  value.remove_prefix(1);
  if (value.starts_with('{')) value.remove_prefix(1);
  const auto is_of_name = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
  std::size_t length = 0;
  while (length < value.size() && is_of_name(value[length])) ++length;
  return value.substr(0, length);
}

std::string with_lines_joined(std::string_view dockerfile) {
  std::string text;
  for (std::size_t i = 0; i < dockerfile.size(); ++i) {
    if (dockerfile[i] == '\r') continue;
    if (dockerfile.substr(i, 2) == "\\\n" || dockerfile.substr(i, 3) == "\\\r\n") {
      text += ' ';
      i = dockerfile.find('\n', i);
    } else {
      text += dockerfile[i];
    }
  }
  return text;
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : line) {
    if (c != ' ' && c != '\t') word += c;
    else if (!word.empty()) words.push_back(std::exchange(word, {}));
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

}  // namespace

std::set<std::string, std::less<>> handed_on_as_secrets(std::string_view dockerfile, const NameRules& names) {
  std::set<std::string, std::less<>> handed_on;
  const auto take = [&](std::string_view name, std::string_view value) {
    const std::string_view variable = variable_in(value);
    if (!variable.empty() && names.is_secret(name)) handed_on.emplace(variable);
  };
  for (const std::string& line : split(with_lines_joined(dockerfile), '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() < 2) continue;
    const std::string instruction = to_upper_ascii(words[0]);
    if (instruction != "ENV" && instruction != "ARG") continue;
    if (words.size() > 2 && words[1].find('=') == std::string::npos) {
      take(words[1], words[2]);  // ENV NAME value
      continue;
    }
    for (std::size_t i = 1; i < words.size(); ++i)
      if (const auto equals = words[i].find('='); equals != std::string::npos) take(std::string_view(words[i]).substr(0, equals), std::string_view(words[i]).substr(equals + 1));
  }
  return handed_on;
}

bool HandedOn::is_of(const engine::BuildRecord& build) const {
  return build.created && *build.created <= last_used && last_used <= build.completed.value_or(last_used) + kRelease;
}

std::vector<HandedOn> handed_on_as_secrets(const inventory::Inventory& inventory, const NameRules& names) {
  std::vector<HandedOn> all;
  if (!inventory.places()) return all;
  const auto places = inventory.places()->all();
  for (std::size_t number = 0; number < places.size(); ++number) {
    if (places[number].kind != storage::Place::Kind::layer) continue;
    std::optional<Instant> last_used;
    for (const std::size_t owner : inventory.owners(number))
      if (const auto* record = inventory[owner].cache(); record && inventory[owner].kind == inventory::Kind::cache_source_local && contains(record->description, "dockerfile"))
        last_used = record->last_used ? record->last_used : record->created;
    if (!last_used) continue;
    HandedOn handed_on{{}, *last_used};
    std::error_code error;
    std::size_t files = 0;
    for (std::filesystem::directory_iterator entry(places[number].path, error), end; !error && entry != end && files < kMostFiles; entry.increment(error), ++files)
      if (const auto text = storage::read_small_file(entry->path().string(), kLargest)) handed_on.arguments.merge(handed_on_as_secrets(*text, names));
    if (!handed_on.arguments.empty()) all.push_back(std::move(handed_on));
  }
  return all;
}

}  // namespace cleanerd::secrets
