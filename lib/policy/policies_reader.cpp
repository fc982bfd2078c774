#include "policy/policies_reader.hpp"

#include <algorithm>
#include <charconv>

#include "base/text.hpp"

namespace cleanerd::policy {
namespace {

using YAML::Node;

// Far more than anybody writes; aliases can make any number.
constexpr std::size_t kMostPolicies = 200;
constexpr std::size_t kLongestName = 64;
constexpr std::size_t kMostKept = 1'000'000;
constexpr std::chrono::seconds kOftenest{1};
constexpr std::chrono::days kRarest{366};

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<Space> parse_space(std::string_view text) {
  if (!text.ends_with('%')) {
    const auto bytes = parse_byte_size(text);
    return bytes ? std::optional(Space{*bytes}) : std::nullopt;
  }
  text.remove_suffix(1);
  const auto percent = text.find_first_not_of("0123456789.") == std::string_view::npos ? parse_number<double>(text) : std::nullopt;
  if (!percent || *percent > 100) return std::nullopt;
  return Space{{}, percent};
}

// "hh:mm" of a day.
std::optional<std::chrono::minutes> parse_time(std::string_view text) {
  if (text.size() != 5 || text[2] != ':' || text.find_first_not_of("0123456789:") != std::string_view::npos) return std::nullopt;
  const auto hour = parse_number<int>(text.substr(0, 2)), minute = parse_number<int>(text.substr(3));
  if (!hour || !minute || *hour > 23 || *minute > 59) return std::nullopt;
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute);
}

std::optional<Window> parse_window(std::string_view text) {
  if (text.size() != 11 || text[5] != '-') return std::nullopt;
  const auto from = parse_time(text.substr(0, 5)), to = parse_time(text.substr(6));
  return from && to ? std::optional(Window{*from, *to}) : std::nullopt;
}

class PolicyReader {
 public:
  explicit PolicyReader(NodeReader& reader) : reader_(reader) {}

  std::optional<NamedPolicy> read(const Node& node) {
    const std::size_t before = reader_.problems();
    policy_.file = reader_.file();
    policy_.line = node.Mark().line + 1;
    std::optional<YAML::Mark> limit;  // where the first one stands
    const auto limits = [&](auto read) {
      return [&limit, read](const Node& n) {
        if (!limit) limit = n.Mark();
        read(n);
      };
    };
    bool has_match = false;
    reader_.map(node, "a policy",
                {{"name", [&](const Node& n) { name(n); }},
                 {"match", [&](const Node& n) { has_match = true, match(n); }},
                 {"action", [&](const Node& n) { choice(n, policy_.action, {Action::purge, Action::report}); }},
                 {"max_used_space", limits([&](const Node& n) { space(n, policy_.limits.max_used_space); })},
                 {"min_free_space", limits([&](const Node& n) { space(n, policy_.limits.min_free_space); })},
                 {"keep_newest", limits([&](const Node& n) { count(n, policy_.limits.keep_newest); })},
                 {"order", limits([&](const Node& n) { choice(n, policy_.limits.order, {Order::oldest, Order::least_recently_used, Order::largest}); })},
                 {"dry_run", [&](const Node& n) { reader_.boolean(n, policy_.dry_run); }},
                 {"schedule", [&](const Node& n) { schedule(n); }}});
    if (reader_.problems() != before) return std::nullopt;
    if (policy_.name.empty()) reader_.problem(node.Mark(), "a policy needs a name, such as old-cache");
    if (!has_match) reader_.problem(node.Mark(), "a policy needs a match, such as match: {kinds: [cache.*]}");
    if (policy_.action == Action::report && limit) reader_.problem(*limit, "limits belong to policies that purge; this one reports");
    if (reader_.problems() != before) return std::nullopt;
    return std::move(policy_);
  }

 private:
  void name(const Node& node) {
    constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
    std::string value;
    if (!reader_.text(node, value, "a name, such as old-cache")) return;
    if (value.find_first_not_of(kAllowed) != std::string::npos || value.front() < 'a' || value.size() > kLongestName)
      return reader_.problem(node.Mark(), "expected a name of lower-case letters, digits and '-' that begins with a letter, such as old-cache");
    policy_.name = value;
  }

  void match(const Node& node) {
    Match& match = policy_.match;
    const std::size_t before = reader_.problems();
    const auto some = [&](const char* expected, std::vector<std::string>& out) {
      return [this, expected, &out](const Node& n) {
        if (is_not_empty(n, expected)) reader_.texts(n, expected, out);
      };
    };
    reader_.map(node, "match",
                {{"kinds", [&](const Node& n) { kinds(n); }},
                 {"secret", [&](const Node& n) { reader_.boolean(n, match.secret.emplace()); }},
                 {"rules", some("rules of findings, such as github-*", match.rules)},
                 {"older_than", [&](const Node& n) { reader_.duration(n, match.older_than.emplace()); }},
                 {"unused_for", [&](const Node& n) { reader_.duration(n, match.unused_for.emplace()); }},
                 {"larger_than", [&](const Node& n) { size(n, match.larger_than); }},
                 {"labels", [&](const Node& n) {
                    if (is_not_empty(n, "labels")) reader_.labels(n, match.labels);
                  }},
                 {"images", some("image patterns, such as registry.example/ci/*", match.images)},
                 {"builds", some("patterns of build references", match.builds)}});
    if (match.empty() && reader_.problems() == before)
      reader_.problem(node.Mark(), "a match needs at least one key; kinds: [\"*\"] is everything but tagged images");
  }

  bool is_not_empty(const Node& node, const char* expected) {
    if (!node.IsSequence() || node.size() != 0) return true;
    reader_.problem(node.Mark(), std::string("the list is empty and would match nothing; expected ") + expected);
    return false;
  }

  void kinds(const Node& node) {
    constexpr const char* kExpected = "kinds, such as cache.regular or image.*";
    if (!is_not_empty(node, kExpected)) return;
    reader_.list(node, kExpected, [&](const Node& item, const std::string& value) {
      if (is_kind_glob(value)) return policy_.match.kinds.push_back(value);
      std::string known;
      for (const inventory::Kind kind : inventory::all_kinds())
        if (kind != inventory::Kind::container_running) known += (known.empty() ? "" : ", ") + std::string(to_string(kind));
      reader_.problem(item.Mark(), "there is no kind '" + printable(value, 60) + "'; expected one of, or a glob such as cache.*: " + known);
    });
  }

  void size(const Node& node, std::optional<ByteSize>& out) {
    std::string value;
    if (!reader_.text(node, value, "a size, such as 512MB or 20GB")) return;
    if (!(out = parse_byte_size(value))) reader_.problem(node.Mark(), "expected a size, such as 512MB or 20GB");
  }

  void space(const Node& node, std::optional<Space>& out) {
    std::string value;
    if (!reader_.text(node, value, "a size, such as 20GB, or a part of the disk, such as 10%")) return;
    if (!(out = parse_space(value))) reader_.problem(node.Mark(), "expected a size, such as 20GB, or a part of the disk, such as 10%");
  }

  void count(const Node& node, std::optional<std::size_t>& out) {
    std::string value;
    if (!reader_.text(node, value, "a number")) return;
    out = parse_number<std::size_t>(value);
    if (!out || *out == 0 || *out > kMostKept) reader_.problem(node.Mark(), "expected a number from 1 to " + std::to_string(kMostKept));
  }

  template <class Value>
  void choice(const Node& node, Value& out, std::initializer_list<Value> values) {
    const std::string given = node.IsScalar() ? node.Scalar() : "";
    std::string expected;
    for (const Value value : values) {
      if (to_string(value) == given) {
        out = value;
        return;
      }
      expected += (expected.empty() ? "" : ", ") + std::string(to_string(value));
    }
    reader_.problem(node.Mark(), "expected one of: " + expected);
  }

  void schedule(const Node& node) {
    Schedule& schedule = policy_.schedule.emplace();
    const std::size_t before = reader_.problems();
    reader_.map(node, "schedule",
                {{"every", [&](const Node& n) { reader_.duration(n, schedule.every.emplace(), kOftenest, kRarest); }},
                 {"window", [&](const Node& n) {
                    std::string value;
                    if (!reader_.text(n, value, "a time of day, such as \"02:00-05:00\" (UTC)")) return;
                    if (!(schedule.window = parse_window(value)))
                      reader_.problem(n.Mark(), "expected a time of day, such as \"02:00-05:00\" (UTC, 00:00 to 23:59)");
                  }}});
    if (!schedule.every && !schedule.window && reader_.problems() == before)
      reader_.problem(node.Mark(), "a schedule needs every, such as 6h, or window, such as \"02:00-05:00\"");
  }

  NodeReader& reader_;
  NamedPolicy policy_;
};

}  // namespace

void read_policies(NodeReader& reader, const Node& node, std::vector<NamedPolicy>& policies) {
  if (!node.IsSequence()) return reader.problem(node.Mark(), "expected a list of policies");
  if (node.size() > kMostPolicies) return reader.problem(node.Mark(), "more than " + std::to_string(kMostPolicies) + " policies in a file");
  for (const auto& item : node) {
    if (item.IsNull()) {
      reader.problem(node.Mark(), "an entry of the list is empty; expected a policy");
      continue;
    }
    auto policy = PolicyReader(reader).read(item);
    if (!policy) continue;
    const auto same = std::ranges::find(policies, policy->name, &NamedPolicy::name);
    if (same == policies.end()) policies.push_back(std::move(*policy));
    else if (same->file.empty()) *same = std::move(*policy);
    else reader.problem(item.Mark(), "policy '" + policy->name + "' stands already at " + same->file + ":" + std::to_string(same->line));
  }
}

}  // namespace cleanerd::policy
