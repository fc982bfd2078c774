#include "policy/node_reader.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace cleanerd::policy {
namespace {

// More in one file help nobody.
constexpr std::size_t kMostProblems = 1000;
constexpr std::size_t kLongestSnippet = 200;

// The keys whose values are no secrets.
constexpr std::string_view kHarmless[] = {
    "engine",       "host",         "state_dir",  "protect",        "labels",         "images",      "quiet_period", "interval",
    "rules_dir",    "builders",     "policies",   "remove_orphaned", "stopped_containers", "name",   "match",        "kinds",
    "leftovers",    "remove",       "control",    "socket",         "may_purge",      "metrics",     "low_disk",     "keep_audit",   "log_level",
    "rules",        "older_than",   "unused_for", "larger_than",    "builds",         "action",      "order",
    "dry_run",      "keep_newest",  "schedule",   "max_used_space", "min_free_space", "every",       "window",
};

std::string_view key_before(std::string_view line, std::size_t colon) {
  const std::size_t first = line.find_last_of(" \t{,", colon == 0 ? 0 : colon - 1);
  return trim(line.substr(first == std::string_view::npos ? 0 : first + 1, colon - (first == std::string_view::npos ? 0 : first + 1)));
}

// The line as far as its keys take no secret, and nothing of it where it holds a password in a URL.
std::string without_values(std::string_view line) {
  line = line.substr(0, kLongestSnippet);
  const std::size_t first = line.find(':');
  if (first == std::string_view::npos) return "";
  for (std::size_t colon = first; colon != std::string_view::npos; colon = line.find(':', colon + 1)) {
    const bool ends_a_key = colon + 1 == line.size() || contains(" \t\r\"'{[", line.substr(colon + 1, 1));
    if (ends_a_key && std::ranges::find(kHarmless, key_before(line, colon)) == std::end(kHarmless)) return std::string(line.substr(0, colon + 1));
  }
  return std::string(contains(line, "@") ? line.substr(0, first + 1) : line);
}

}  // namespace

NodeReader::NodeReader(std::vector<Diagnostic>& diagnostics, std::string file, const std::string& text)
    : diagnostics_(diagnostics), file_(std::move(file)), lines_(split(text, '\n')) {}

void NodeReader::problem(const YAML::Mark& mark, std::string message) {
  if (++problems_ > kMostProblems) return;
  if (problems_ == kMostProblems) message = "there are more problems than are told";
  Diagnostic diagnostic{file_, 0, 0, std::move(message), ""};
  if (!mark.is_null()) {
    diagnostic.line = mark.line + 1;
    diagnostic.column = mark.column + 1;
    if (static_cast<std::size_t>(mark.line) < lines_.size()) diagnostic.snippet = without_values(lines_[static_cast<std::size_t>(mark.line)]);
  }
  diagnostics_.push_back(std::move(diagnostic));
}

void NodeReader::map(const Node& node, const std::string& what, const Keys& keys) {
  if (!node.IsMap()) return problem(node.Mark(), what + " must be a mapping (key: value)");
  std::vector<std::string_view> seen;
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    const auto known = std::ranges::find(keys, key, &Keys::value_type::first);
    if (known == keys.end()) {
      std::string expected;
      for (const auto& [name, read] : keys) expected += (expected.empty() ? "" : ", ") + std::string(name);
      problem(entry.first.Mark(), "unknown key '" + printable(key, 60) + "' in " + what + "; expected one of: " + expected);
      continue;
    }
    if (std::ranges::find(seen, key) != seen.end()) problem(entry.first.Mark(), "key '" + key + "' stands twice in " + what);
    else if (entry.second.IsNull()) problem(entry.first.Mark(), "key '" + key + "' has no value in " + what);  // whose own mark is that of whatever comes next
    else known->second(entry.second);
    seen.push_back(known->first);
  }
}

bool NodeReader::text(const Node& node, std::string& out, const char* expected) {
  if (!node.IsScalar() || node.Scalar().empty()) {
    problem(node.Mark(), std::string("expected ") + expected);
    return false;
  }
  out = node.Scalar();
  return true;
}

void NodeReader::path(const Node& node, std::optional<std::string>& out) {
  std::string value;
  if (!text(node, value, "an absolute path")) return;
  if (value.front() != '/') return problem(node.Mark(), "expected an absolute path, such as /var/lib/cleanerd");
  out = value;
}

void NodeReader::boolean(const Node& node, bool& out) {
  std::string value;
  if (!text(node, value, "true or false")) return;
  if (value == "true" || value == "false") out = value == "true";
  else problem(node.Mark(), "expected true or false");
}

void NodeReader::duration(const Node& node, Duration& out) {
  std::string value;
  if (!text(node, value, "a duration, such as 5s or 2m")) return;
  if (const auto parsed = parse_duration(value)) out = *parsed;
  else problem(node.Mark(), "expected a duration, such as 500ms, 5s, 2m or 1h30m");
}

void NodeReader::duration(const Node& node, Duration& out, Duration least, Duration most) {
  Duration value = out;
  const std::size_t before = problems_;
  duration(node, value);
  if (problems_ != before) return;
  if (value < least || value > most) return problem(node.Mark(), "expected a duration from " + format_duration(least) + " to " + format_duration(most));
  out = value;
}

void NodeReader::list(const Node& node, const char* expected, const std::function<void(const Node&, const std::string&)>& each) {
  if (!node.IsSequence()) return problem(node.Mark(), std::string("expected a list of ") + expected);
  for (const auto& item : node) {
    if (problems_ >= kMostProblems) return;
    std::string value;
    if (item.IsNull()) problem(node.Mark(), std::string("an entry of the list is empty; expected ") + expected);
    else if (text(item, value, expected)) each(item, value);
  }
}

void NodeReader::texts(const Node& node, const char* expected, std::vector<std::string>& out) {
  list(node, expected, [&](const Node&, const std::string& value) { out.push_back(value); });
}

void NodeReader::labels(const Node& node, std::vector<LabelRule>& out) {
  list(node, "labels, such as cleanerd.keep=true", [&](const Node& item, const std::string& value) {
    const auto equals = value.find('=');
    if (equals == 0) return problem(item.Mark(), "expected a label, such as cleanerd.keep or cleanerd.keep=true");
    LabelRule rule{value.substr(0, equals), std::nullopt};
    if (equals != std::string::npos) rule.value = value.substr(equals + 1);
    if (std::ranges::find(out, rule) == out.end()) out.push_back(std::move(rule));
  });
}

}  // namespace cleanerd::policy
