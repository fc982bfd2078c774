#include "match/load_rules.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/secret_value.hpp"
#include "base/text.hpp"
#include "match/rule_reader.hpp"
#include "match/shipped_texts.hpp"
#include "match/yaml_documents.hpp"

namespace cleanerd::match {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxFile = 4u << 20;

std::optional<std::string> read_rule_file(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error) || fs::file_size(path, error) > kMaxFile || error) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return std::nullopt;
  return text;
}

void add_to_hash(std::string& hash, std::string_view text) { hash = sha256_hex(hash + "\n" + sha256_hex(text)); }

void read_text(LoadedRules& loaded, const std::string& file, const std::string& text, bool may_replace,
               RuleReader::Trust trust = RuleReader::Trust::none) {
  add_to_hash(loaded.set.hash, text);
  RuleReader reader(loaded, file, text, may_replace, trust);
  try {
    if (trust == RuleReader::Trust::none)
      if (const auto problem = document_problem(text)) return reader.problem(problem->mark, problem->message);
    reader.root(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    reader.problem(error.mark, "not valid YAML: " + printable(error.msg));
  }
}

std::vector<std::string> rule_files(const std::string& directory, std::error_code& error) {
  std::vector<std::string> paths;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    if (entry->path().extension() == ".yaml") paths.push_back(entry->path().string());
  if (error == std::errc::no_such_file_or_directory) error.clear();
  std::ranges::sort(paths);
  return paths;
}

void read_directory(LoadedRules& loaded, const std::string& directory, bool may_replace) {
  std::error_code error;
  const auto paths = rule_files(directory, error);
  if (error) loaded.diagnostics.push_back({directory, 0, 0, "cannot be read: " + error.message(), ""});
  for (const std::string& path : paths) {
    loaded.files.push_back(path);
    if (const auto text = read_rule_file(path)) read_text(loaded, path, *text, may_replace);
    else loaded.diagnostics.push_back({path, 0, 0, "cannot be read, or is larger than 4 MiB", ""});
  }
}

}  // namespace

std::string render(const Diagnostic& diagnostic) {
  std::string out = diagnostic.file;
  if (diagnostic.line != 0) out.append(":").append(std::to_string(diagnostic.line)).append(":").append(std::to_string(diagnostic.column));
  out.append(": ").append(diagnostic.message);
  if (!diagnostic.snippet.empty()) {
    out.append("\n  ").append(printable(diagnostic.snippet, 120)).append("\n  ");
    out.append(static_cast<std::size_t>(std::clamp(diagnostic.column - 1, 0, 120)), ' ').append("^");
  }
  return out;
}

LoadedRules load_rules(const std::vector<std::string>& directories) {
  LoadedRules loaded;
  bool may_replace = false;
  for (const std::string& directory : directories) {
    read_directory(loaded, directory, may_replace);
    may_replace = true;
  }
  return loaded;
}

LoadedRules shipped_rules(const std::vector<std::string>& user_directories) {
  LoadedRules loaded;
  for (const ShippedText& shipped : shipped_texts()) {
    loaded.files.push_back("shipped:" + std::string(shipped.file));
    read_text(loaded, loaded.files.back(), std::string(shipped.text), false, RuleReader::Trust::proven);
  }
  for (const std::string& directory : user_directories) read_directory(loaded, directory, true);
  return loaded;
}

std::string shipped_rules_hash(const std::vector<std::string>& user_directories) {
  std::string hash;
  for (const ShippedText& shipped : shipped_texts()) add_to_hash(hash, shipped.text);
  for (const std::string& directory : user_directories) {
    std::error_code error;
    for (const std::string& path : rule_files(directory, error))
      if (const auto text = read_rule_file(path)) add_to_hash(hash, *text);
      else hash += '?';  // no set has such a hash: reading the rules will say what is wrong
    if (error) hash += '?';
  }
  return hash;
}

LoadedRules load_rules_text(const std::string& file, const std::string& text) {
  LoadedRules loaded;
  loaded.files.push_back(file);
  read_text(loaded, file, text, false);
  return loaded;
}

}  // namespace cleanerd::match
