#include "policy/show.hpp"

#include <yaml-cpp/yaml.h>

#include <cstdio>

#include "base/text.hpp"

namespace cleanerd::policy {
namespace {

using YAML::Emitter;

std::string number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.6f", value);
  std::string text(buffer);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string text_of(const Space& space) { return space.percent ? number(*space.percent) + "%" : format_byte_size(space.bytes); }

std::string text_of(const LabelRule& rule) { return rule.value ? rule.name + "=" + *rule.value : rule.name; }
std::string text_of(const std::string& text) { return text; }
std::string text_of(inventory::Kind kind) { return std::string(inventory::to_string(kind)); }

std::string text_of(const Window& window) {
  const auto time = [](std::chrono::minutes at) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "%02d:%02d", static_cast<int>(at.count() / 60 % 24), static_cast<int>(at.count() % 60));
    return std::string(buffer);
  };
  return time(window.from) + "-" + time(window.to);
}

// What a person wrote; no other reader of YAML shall take it for a number or a truth value.
void add_quoted(Emitter& out, const std::string& text) { out << YAML::DoubleQuoted << mask_url_passwords(text); }

void add_quoted(Emitter& out, const char* key, const std::string& text) {
  out << YAML::Key << key << YAML::Value;
  add_quoted(out, text);
}

template <class Text>
void add(Emitter& out, const char* key, const Text& text) {
  out << YAML::Key << key << YAML::Value << text;
}

template <class Item>
void add_list(Emitter& out, const char* key, std::span<const Item> items) {
  if (items.empty()) return;
  out << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
  for (const Item& item : items) add_quoted(out, text_of(item));
  out << YAML::EndSeq;
}

void add_match(Emitter& out, const Match& match) {
  out << YAML::Key << "match" << YAML::Value << YAML::BeginMap;
  add_list<std::string>(out, "kinds", match.kinds);
  if (match.secret) add(out, "secret", *match.secret);
  add_list<std::string>(out, "rules", match.rules);
  if (match.older_than) add(out, "older_than", format_duration(*match.older_than));
  if (match.unused_for) add(out, "unused_for", format_duration(*match.unused_for));
  if (match.larger_than) add(out, "larger_than", format_byte_size(*match.larger_than));
  add_list<LabelRule>(out, "labels", match.labels);
  add_list<std::string>(out, "images", match.images);
  add_list<std::string>(out, "builds", match.builds);
  out << YAML::EndMap;
}

void add_policy(Emitter& out, const NamedPolicy& policy) {
  out << YAML::BeginMap;
  add(out, "name", policy.name);
  add_match(out, policy.match);
  add(out, "action", std::string(to_string(policy.action)));
  if (const auto& limit = policy.limits.max_used_space) add(out, "max_used_space", text_of(*limit));
  if (const auto& limit = policy.limits.min_free_space) add(out, "min_free_space", text_of(*limit));
  if (policy.limits.keep_newest) add(out, "keep_newest", std::to_string(*policy.limits.keep_newest));
  if (policy.limits.has_space()) add(out, "order", std::string(to_string(policy.limits.order)));
  if (policy.dry_run) add(out, "dry_run", true);
  if (policy.schedule) {
    out << YAML::Key << "schedule" << YAML::Value << YAML::BeginMap;
    if (policy.schedule->every) add(out, "every", format_duration(*policy.schedule->every));
    if (policy.schedule->window) add_quoted(out, "window", text_of(*policy.schedule->window));
    out << YAML::EndMap;
  }
  out << YAML::EndMap;
}

// What files have added to the names that are built in.
std::span<const std::string> added(const std::vector<std::string>& all, const std::vector<std::string>& built_in) {
  return std::span(all).subspan(built_in.size());
}

void add_names(Emitter& out, const secrets::NameRules& names) {
  const secrets::NameRules built_in;
  const auto more = added(names.patterns(), built_in.patterns()), except = added(names.exceptions(), built_in.exceptions());
  if (more.empty() && except.empty()) return;
  out << YAML::Key << "secrets" << YAML::Value << YAML::BeginMap;
  add_list<std::string>(out, "names", more);
  add_list<std::string>(out, "except", except);
  out << YAML::EndMap;
}

}  // namespace

std::string show(const Policy& policy) {
  Emitter out;
  out << YAML::BeginMap;
  if (policy.engine_host) {
    out << YAML::Key << "engine" << YAML::Value << YAML::BeginMap;
    add_quoted(out, "host", *policy.engine_host);
    out << YAML::EndMap;
  }
  if (policy.state_dir) add_quoted(out, "state_dir", *policy.state_dir);
  if (policy.rules_dir) add_quoted(out, "rules_dir", *policy.rules_dir);
  add(out, "quiet_period", format_duration(policy.quiet_period));
  add(out, "interval", format_duration(policy.interval));
  add_names(out, policy.names);
  out << YAML::Key << "protect" << YAML::Value << YAML::BeginMap;
  add_list<LabelRule>(out, "labels", policy.protected_labels);
  add_list<std::string>(out, "images", policy.protected_images);
  add(out, "stopped_containers", policy.protect_stopped_containers);
  out << YAML::EndMap;
  out << YAML::Key << "builders" << YAML::Value << YAML::BeginMap;
  add(out, "remove_orphaned", policy.remove_orphaned_builders);
  out << YAML::EndMap;
  if (!policy.removed_leftovers.empty()) {
    out << YAML::Key << "leftovers" << YAML::Value << YAML::BeginMap;
    add_list<inventory::Kind>(out, "remove", policy.removed_leftovers);
    out << YAML::EndMap;
  }
  out << YAML::Key << "control" << YAML::Value << YAML::BeginMap;
  add_quoted(out, "socket", policy.control_socket);
  add_list<std::string>(out, "may_purge", policy.may_purge);
  out << YAML::EndMap;
  add_quoted(out, "metrics", policy.metrics_address);
  add_quoted(out, "low_disk", policy.low_disk ? number(*policy.low_disk) + "%" : "off");
  add(out, "log_level", policy.log_level);
  add(out, "keep_audit", format_duration(policy.keep_audit));
  out << YAML::Key << "policies" << YAML::Value << YAML::BeginSeq;
  for (const NamedPolicy& one : policy.policies) add_policy(out, one);
  out << YAML::EndSeq << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

}  // namespace cleanerd::policy
