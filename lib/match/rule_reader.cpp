#include "match/rule_reader.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"
#include "match/example.hpp"
#include "match/expression.hpp"

namespace cleanerd::match {
namespace {

// What stands between a name and its value: NAME=value, name: "value", "name" => 'value', \"name\":\"value\", <name>value.
constexpr std::string_view kAssigned =
    R"re([\w.\-]{0,24}(?:\\?["'\]]){0,2}[ \t]{0,4}(?::=|=>|[:=>,])[ \t]{0,4}(?:\\?["'`]){0,1})re";

}  // namespace

RuleReader::RuleReader(LoadedRules& loaded, std::string file, const std::string& text, bool may_replace, Trust trust)
    : loaded_(loaded), file_(std::move(file)), lines_(split(text, '\n')), may_replace_(may_replace), trust_(trust) {}

void RuleReader::root(const YAML::Node& node) {
  if (node.IsNull() || !node.IsDefined()) return;
  const auto each = [this](const char* what, void (RuleReader::*read)(const YAML::Node&)) {
    return [this, what, read](const YAML::Node& n) {
      if (!n.IsSequence()) return problem(n.Mark(), std::string("expected a list of ") + what);
      for (const auto& item : n) (this->*read)(item);
    };
  };
  map(node, "the file", {{"rules", each("rules", &RuleReader::rule)}, {"allow", each("allow rules", &RuleReader::allow)}});
}

void RuleReader::problem(const YAML::Mark& mark, std::string message) {
  Diagnostic diagnostic{file_, 0, 0, std::move(message), ""};
  if (!mark.is_null()) {
    diagnostic.line = mark.line + 1;
    diagnostic.column = mark.column + 1;
    if (static_cast<std::size_t>(mark.line) < lines_.size()) diagnostic.snippet = lines_[static_cast<std::size_t>(mark.line)];
  }
  loaded_.diagnostics.push_back(std::move(diagnostic));
}

void RuleReader::map(const YAML::Node& node, const std::string& what, const Keys& keys) {
  if (!node.IsMap()) return problem(node.Mark(), what + " must be a mapping (key: value)");
  std::vector<std::string> seen;
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    const auto known = std::ranges::find(keys, key, &Keys::value_type::first);
    if (known == keys.end()) {
      std::string expected;
      for (const auto& [name, read] : keys) expected += (expected.empty() ? "" : ", ") + std::string(name);
      problem(entry.first.Mark(), "unknown key '" + printable(key, 60) + "' in " + what + "; expected one of: " + expected);
    } else if (std::ranges::find(seen, key) != seen.end()) {
      problem(entry.first.Mark(), "key '" + key + "' stands twice in " + what);
    } else {
      known->second(entry.second);
    }
    seen.push_back(key);
  }
}

bool RuleReader::text(const YAML::Node& node, std::string& out, const char* expected) {
  if (!node.IsScalar() || node.Scalar().empty()) {
    problem(node.Mark(), std::string("expected ") + expected);
    return false;
  }
  out = node.Scalar();
  return true;
}

void RuleReader::texts(const YAML::Node& node, std::vector<std::string>& out, const char* expected) {
  if (!node.IsSequence()) return problem(node.Mark(), std::string("expected a list of ") + expected);
  for (const auto& item : node) {
    std::string value;
    if (text(item, value, expected)) out.push_back(std::move(value));
  }
}

void RuleReader::expression(const YAML::Node& node, std::string& out) {
  if (!text(node, out, "a regular expression (RE2 syntax)") || trust_ == Trust::proven) return;
  if (const std::string wrong = expression_problem(out); !wrong.empty())
    problem(node.Mark(), "not a regular expression that RE2 takes: " + wrong);
}

void RuleReader::expressions(const YAML::Node& node, std::vector<std::string>& out) {
  if (!node.IsSequence()) return problem(node.Mark(), "expected a list of regular expressions");
  for (const auto& item : node) expression(item, out.emplace_back());
}

void RuleReader::identifier(const YAML::Node& node, std::string& out) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (!text(node, out, "an identifier, such as github-pat")) return;
  if (out.find_first_not_of(kAllowed) != std::string::npos || out.front() == '-' || out.size() > 64)
    problem(node.Mark(), "expected an identifier of lower-case letters, digits and '-', such as github-pat");
}

template <class Value>
void RuleReader::choice(const YAML::Node& node, Value& out, const std::vector<std::pair<std::string_view, Value>>& values) {
  const std::string given = node.IsScalar() ? node.Scalar() : "";
  std::string expected;
  for (const auto& [name, value] : values) {
    if (name == given) {
      out = value;
      return;
    }
    expected += (expected.empty() ? "" : ", ") + std::string(name);
  }
  problem(node.Mark(), "expected one of: " + expected);
}

void RuleReader::number(const YAML::Node& node, double low, double high, double& out) {
  const std::string given = node.IsScalar() ? node.Scalar() : "";
  double value = -1;
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (error != std::errc() || end != given.data() + given.size() || !(value >= low && value <= high))
    return problem(node.Mark(), "expected a number from " + std::to_string(static_cast<int>(low)) + " to " +
                                    std::to_string(static_cast<int>(high)));
  out = value;
}

void RuleReader::rule(const YAML::Node& node) {
  Rule rule;
  rule.file = file_;
  rule.line = node.Mark().line + 1;
  std::string name;
  double reach = -1, before_hit = 0;
  const std::size_t before = loaded_.diagnostics.size();
  const auto examples = [this](std::vector<std::string>& out) {
    return [this, &out](const YAML::Node& n) {
      texts(n, out, "examples");
      for (const auto& item : n)
        if (const auto example = expand_example(item.IsScalar() ? item.Scalar() : "", 1); !example)
          problem(item.Mark(), "not an example: " + example.error().message());
    };
  };
  map(node, "a rule",
      {{"id", [&](const YAML::Node& n) { identifier(n, rule.id); }},
       {"description", [&](const YAML::Node& n) { text(n, rule.description, "what the secret is, in a line"); }},
       {"tier", [&](const YAML::Node& n) {
          choice<Tier>(n, rule.tier, {{"any", Tier::any}, {"text", Tier::text}, {"path", Tier::path}});
        }},
       {"name", [&](const YAML::Node& n) { expression(n, name); }},
       {"pattern", [&](const YAML::Node& n) { expression(n, rule.pattern); }},
       {"confirm", [&](const YAML::Node& n) { expression(n, rule.confirm); }},
       {"reach", [&](const YAML::Node& n) { number(n, 0, static_cast<double>(kMaxReach), reach); }},
       {"before", [&](const YAML::Node& n) { number(n, 0, static_cast<double>(kMaxBefore), before_hit); }},
       {"left_boundary", [&](const YAML::Node& n) { choice<bool>(n, rule.left_boundary, {{"none", false}, {"word", true}}); }},
       {"entropy", [&](const YAML::Node& n) { number(n, 0, 8, rule.entropy); }},
       {"check", [&](const YAML::Node& n) {
          choice<Check>(n, rule.check, {{"crc32-base62", Check::crc32_base62}, {"base58check", Check::base58check},
                                        {"bech32", Check::bech32}, {"pem", Check::pem}, {"jwt", Check::jwt},
                                        {"basic-auth", Check::basic_auth}, {"base64-json", Check::base64_json},
                                        {"mixed", Check::mixed}});
        }},
       {"boundary", [&](const YAML::Node& n) {
          choice<Boundary>(n, rule.boundary, {{"none", Boundary::none}, {"word", Boundary::word}, {"base64", Boundary::base64}});
        }},
       {"prefixes", [&](const YAML::Node& n) { texts(n, rule.prefixes, "literal beginnings of the secret"); }},
       {"keywords", [&](const YAML::Node& n) { texts(n, rule.keywords, "words that stand near the secret"); }},
       {"paths", [&](const YAML::Node& n) { texts(n, rule.paths, "path patterns, such as .npmrc or *.tfstate"); }},
       {"allow", [&](const YAML::Node& n) { expressions(n, rule.allow); }},
       {"match", examples(rule.match)},
       {"reject", examples(rule.reject)}});
  if (loaded_.diagnostics.size() != before) return;
  rule.before = static_cast<std::size_t>(before_hit);
  if (reach >= 0) rule.reach = static_cast<std::size_t>(reach);
  else rule.reach = rule.confirm.empty() ? 0 : 256;
  complete(node, rule, name);
  if (loaded_.diagnostics.size() == before) keep(node, std::move(rule));
}

void RuleReader::complete(const YAML::Node& node, Rule& rule, const std::string& name) {
  if (rule.id.empty()) return problem(node.Mark(), "a rule needs an id");
  if (rule.description.empty()) return problem(node.Mark(), "rule '" + rule.id + "' needs a description");
  if (rule.pattern.empty() && rule.tier != Tier::path)
    return problem(node.Mark(), "rule '" + rule.id + "' needs a pattern; only rules of tier path can be without");
  if ((rule.tier == Tier::path) == rule.paths.empty())
    return problem(node.Mark(), "rule '" + rule.id + "': paths belong to rules of tier path, and those need them");
  if (!rule.pattern.empty() && rule.match.empty() && trust_ == Trust::none)
    return problem(node.Mark(), "rule '" + rule.id + "' needs an example that it finds (match)");
  if (!name.empty()) {
    const std::string before = "(?i:" + name + ")" + std::string(kAssigned);
    rule.confirm = before + "(" + (rule.confirm.empty() ? rule.pattern : rule.confirm) + ")";
    rule.pattern = before + "(?:" + rule.pattern + ")";
    rule.reach = std::max<std::size_t>(rule.reach, 256);
    rule.left_boundary = false;
  }
  if (rule.prefixes.empty() && rule.tier == Tier::any) {
    const std::string prefix = literal_prefix(rule.pattern);
    if (prefix.size() >= 3) rule.prefixes.push_back(prefix);
  }
  if (rule.pattern.empty() || trust_ == Trust::proven) return;
  if (const auto width = pattern_width(rule.pattern); !width)
    problem(node.Mark(), "rule '" + rule.id + "': " + width.error().message());
  else if (width->most > kMaxWidth)
    problem(node.Mark(), "rule '" + rule.id + "': the pattern has no end within " + std::to_string(kMaxWidth) +
                             " bytes; shorten it to what tells the secret apart and leave the rest to confirm");
}

void RuleReader::keep(const YAML::Node& node, Rule rule) {
  const auto same = std::ranges::find(loaded_.set.rules, rule.id, &Rule::id);
  if (same == loaded_.set.rules.end()) return loaded_.set.rules.push_back(std::move(rule));
  if (may_replace_ && same->file != file_) *same = std::move(rule);
  else problem(node.Mark(), "rule '" + rule.id + "' stands already at " + same->file + ":" + std::to_string(same->line));
}

void RuleReader::allow(const YAML::Node& node) {
  AllowRule allow;
  allow.file = file_;
  allow.line = node.Mark().line + 1;
  const std::size_t before = loaded_.diagnostics.size();
  map(node, "an allow rule",
      {{"id", [&](const YAML::Node& n) { identifier(n, allow.id); }},
       {"description", [&](const YAML::Node& n) { text(n, allow.description, "why this is no secret, in a line"); }},
       {"pattern", [&](const YAML::Node& n) { expression(n, allow.pattern); }},
       {"rules", [&](const YAML::Node& n) { texts(n, allow.rules, "rule ids, such as github-*"); }},
       {"paths", [&](const YAML::Node& n) { texts(n, allow.paths, "path patterns, such as */testdata/*"); }}});
  if (loaded_.diagnostics.size() != before) return;
  if (allow.id.empty() || allow.description.empty())
    return problem(node.Mark(), "an allow rule needs an id and a description");
  if (allow.pattern.empty() && allow.rules.empty() && allow.paths.empty())
    return problem(node.Mark(), "allow rule '" + allow.id + "' would allow everything; give it a pattern, rules or paths");
  loaded_.set.allows.push_back(std::move(allow));
}

}  // namespace cleanerd::match
