#include "secrets/findings.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "secrets/dockerfile.hpp"
#include "secrets/step_text.hpp"
#include "secrets/texts.hpp"

namespace cleanerd::secrets {
namespace {

using inventory::Inventory;
using inventory::Kind;
using inventory::Object;

// `https://user:password@host`: the parts between the colon and the @, of every URL in the text.
std::vector<std::string_view> passwords_in_urls(std::string_view text) {
  std::vector<std::string_view> passwords;
  for (auto scheme = text.find("://"); scheme != std::string_view::npos; scheme = text.find("://", scheme + 3)) {
    const std::string_view authority = text.substr(scheme + 3, text.find_first_of("/?# \t\n\"'", scheme + 3) - scheme - 3);
    const auto at = authority.rfind('@');
    const auto colon = authority.find(':');
    if (at == std::string_view::npos || colon == std::string_view::npos || colon > at) continue;
    const std::string_view password = authority.substr(colon + 1, at - colon - 1);
    if (can_be_secret(password) && !is_preset_password(password)) passwords.push_back(password);
  }
  return passwords;
}

// A bare NAME=value in a command is a secret only if the value looks like one: `--token=disabled` is not.
bool looks_random(std::string_view value) {
  if (value.size() < 8 || !can_be_secret(value)) return false;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return std::ranges::any_of(value, is_digit) || (std::ranges::any_of(value, is_upper) && std::ranges::any_of(value, is_lower));
}

// The rules with their answers kept: the same few names are on every image and in every step.
class NameMemo {
 public:
  NameMemo(const NameRules& rules, std::vector<HandedOn> handed_on) : rules_(rules), handed_on_(std::move(handed_on)) {}
  // Of a build argument: the build's Dockerfile gives it to a variable with a secret's name.
  bool is_handed_on(std::string_view argument, const engine::BuildRecord& build) const {
    return std::ranges::any_of(handed_on_, [&](const HandedOn& one) { return one.arguments.contains(argument) && one.is_of(build); });
  }
  bool is_secret(std::string_view name) {
    const auto known = answers_.find(name);
    return known != answers_.end() ? known->second : answers_.emplace(name, rules_.is_secret(name)).first->second;
  }

 private:
  const NameRules& rules_;
  const std::vector<HandedOn> handed_on_;
  std::map<std::string, bool, std::less<>> answers_;
};

bool was_given_a_secret(const engine::BuildRecord& record, NameMemo& names) {
  static constexpr std::string_view kArgument = "build-arg:";
  return std::ranges::any_of(record.attributes, [&](const auto& attribute) {
    if (!attribute.first.starts_with(kArgument)) return false;
    const std::string_view name = std::string_view(attribute.first).substr(kArgument.size());
    return (names.is_secret(name) && can_be_secret(attribute.second)) || (names.is_handed_on(name, record) && looks_random(attribute.second));
  });
}

using Builds = std::map<std::string_view, bool>;  // by reference: whether it was given an argument that can be a secret

// One object's texts, looked at by name. Values go to `values` together with where they came from.
class NameLook {
 public:
  NameLook(NameMemo& names, const Builds& builds, const Object& object, std::vector<Finding>& findings)
      : names_(names), builds_(builds), object_(object), findings_(findings) {}

  void image(const inventory::Image& image) {
    variables(image.config.env, "variable");
    for (const auto* labels : {&image.summary.labels, &image.config.labels})
      for (const auto& [name, value] : *labels) named(Source::label, name, value, "label");
    for (const Assignment& argument : build_arguments(image.config.step_command))
      named(Source::build_arg, argument.name, argument.value, "build argument", [] { return "command of the step"; });
    for (std::size_t i = 0; i < image.config.on_build.size(); ++i)
      step(image.config.on_build[i], Source::history, [&] { return "ONBUILD instruction " + std::to_string(i + 1); });
    const std::size_t steps = image.config.created_by.size();
    for (std::size_t i = 0; i < steps; ++i)
      step(image.config.created_by[i], Source::history,
           [&] { return "history step " + std::to_string(i + 1) + " of " + std::to_string(steps); });
  }

  void build_record(const engine::BuildRecord& record) {
    for (const auto& [attribute, value] : record.attributes) {
      const auto colon = attribute.find(':');
      const std::string kind = attribute.substr(0, colon);
      const std::string name = colon == std::string::npos ? attribute : attribute.substr(colon + 1);
      if (kind == "build-arg" && names_.is_handed_on(name, record) && !names_.is_secret(name) && looks_random(value))
        add({"secret-name", Source::build_arg, "build argument " + printable(name, 80), SecretValue(value),
             "build argument " + printable(name, 80) + " of " + inventory_name() + ", which a Dockerfile gives to a variable with a secret's name"});
      else if (kind == "build-arg") named(Source::build_arg, name, value, "build argument");
      else if (kind == "label") named(Source::label, name, value, "label");
      else for (const std::string_view password : passwords_in_urls(value))
        add({"url-password", Source::history, "attribute " + printable(attribute, 80), SecretValue(password),
             "password in a URL of " + inventory_name()});
    }
  }

  void build_step(const engine::Container& container) {
    variables(container.env, "build argument");
    for (const auto& [name, value] : container.labels) named(Source::label, name, value, "label");
    for (const std::string& word : container.command) command(word, Source::history, [] { return "command"; });
  }

  void leftover(const inventory::Leftover& leftover) { variables(leftover.env, "variable"); }

  void cache_record(const engine::CacheRecord& record) {
    static constexpr std::string_view kExec = " from exec ";
    const std::string& text = record.description;
    if (const auto at = text.find(kExec); at != std::string::npos) {
      const std::string_view shell = std::string_view(text).substr(at + kExec.size());
      command(shell, Source::description, [] { return "step text"; });
      for (const std::string& name : variables_used(shell))
        if (names_.is_secret(name) && may_have_been_given())
          add({"secret-step", Source::description, "step text", std::nullopt,
               "the step uses $" + printable(name, 80) + ", an argument or variable with a secret's name"});
    } else {
      command(text, Source::description, [] { return "description"; });
    }
  }

 private:
  void add(Finding finding) {
    const bool known = std::ranges::any_of(findings_, [&](const Finding& other) {
      return other.value == finding.value && other.source == finding.source && other.location == finding.location &&
             other.rule == finding.rule && (finding.value || other.origin == finding.origin);
    });
    if (!known) findings_.push_back(std::move(finding));
  }

  // `location` is a function, asked only where there is something to tell.
  void named(Source source, std::string_view name, std::string_view value, std::string_view what, const auto& location) {
    if (names_.is_secret(name) && can_be_secret(value)) {
      add({"secret-name", source, location(), SecretValue(value),
           std::string(what) + " " + printable(name, 80) + " of " + inventory_name()});
      return;
    }
    for (const std::string_view password : passwords_in_urls(value))
      add({"url-password", source, location(), SecretValue(password),
           "password in the URL of " + std::string(what) + " " + printable(name, 80) + " of " + inventory_name()});
  }
  void named(Source source, std::string_view name, std::string_view value, std::string_view what) {
    named(source, name, value, what, [&] { return std::string(source == Source::env ? "variable" : what) + " " + printable(name, 80); });
  }

  void variables(const std::vector<std::string>& env, std::string_view what) {
    for (const std::string& variable : env) {
      const auto equals = variable.find('=');
      if (equals == std::string::npos) continue;
      const std::string_view text = variable;
      named(Source::env, text.substr(0, equals), text.substr(equals + 1), what);
    }
  }

  void step(std::string_view text, Source source, const auto& location) {
    for (const Assignment& argument : build_arguments(text))
      named(Source::build_arg, argument.name, argument.value, "build argument", location);
    const Declaration declared = declaration(text);
    for (const Assignment& one : declared.assignments) {
      const Source of = declared.instruction == "ARG" ? Source::build_arg : declared.instruction == "ENV" ? Source::env : Source::label;
      named(of, one.name, one.value, declared.instruction, location);
    }
    if (declared.instruction.empty()) command(command_of(text), source, location);
  }

  void command(std::string_view text, Source source, const auto& location) {
    for (const Assignment& one : literal_assignments(text))
      if (names_.is_secret(one.name) && looks_random(one.value)) named(source, one.name, one.value, "assignment to", location);
    for (const std::string_view password : passwords_in_urls(text))
      add({"url-password", source, location(), SecretValue(password), "password in a URL in a step of " + inventory_name()});
  }

  // Where the builds are on record, they tell: what a step names comes from a secret's mount, from a file, or is empty, where none of them was
  // given any secret; under another name it may be handed on (ENV A=$B). A value that stands in the Dockerfile is found there.
  bool may_have_been_given() const {
    return object_.builds.empty() || std::ranges::any_of(object_.builds, [&](const BuildRef& ref) {
      const auto build = builds_.find(ref.str());
      return build == builds_.end() || build->second;
    });
  }

  std::string inventory_name() const { return name_of(object_); }

  NameMemo& names_;
  const Builds& builds_;
  const Object& object_;
  std::vector<Finding>& findings_;
};

// Looks for the known values in one object's texts.
void look_for_values(const Object& object, const ValueSet& known, std::vector<Finding>& findings) {
  for (const Text& text : texts_of(object)) {
    known.search(text.text, [&](std::size_t, const KnownValue& value) {
      // A value that its name gave away in this very object needs no second finding.
      if (std::ranges::any_of(findings, [&](const Finding& other) { return other.value == value.value; })) return;
      findings.push_back({"known-value", text.source, location_of(text, known), value.value, value.origin});
    });
  }
}

}  // namespace

std::string_view to_string(Source source) {
  switch (source) {
    case Source::build_arg: return "build-arg";
    case Source::history: return "history";
    case Source::env: return "env";
    case Source::label: return "label";
    case Source::description: return "description";
    case Source::path: return "path";
    case Source::content: return "content";
    case Source::log: return "log";
    case Source::known: return "known";
  }
  return {};
}

Findings find_by_name(const Inventory& inventory, const NameRules& names, std::span<const KnownValue> declared) {
  Findings findings;
  NameMemo memo(names, handed_on_as_secrets(inventory, names));
  const auto objects = inventory.objects();
  findings.of.resize(objects.size());
  for (const KnownValue& value : declared) findings.known.add(value);
  Builds builds;
  for (const Object& object : objects)
    if (const auto* record = object.build()) builds.emplace(record->ref.str(), was_given_a_secret(*record, memo));
  for (Inventory::Index i = 0; i < objects.size(); ++i) {
    NameLook look(memo, builds, objects[i], findings.of[i]);
    if (const auto* image = objects[i].image()) look.image(*image);
    if (const auto* record = objects[i].cache()) look.cache_record(*record);
    if (const auto* record = objects[i].build()) look.build_record(*record);
    if (const auto* leftover = objects[i].leftover()) look.leftover(*leftover);
    if (objects[i].kind == Kind::container_build) look.build_step(*objects[i].container());
    for (const Finding& finding : findings.of[i])
      if (finding.value && can_be_traced(finding.value->reveal())) findings.known.add({*finding.value, finding.origin, false});
  }
  return findings;
}

void find_known_in_texts(const Inventory& inventory, Findings& findings) {
  const auto objects = inventory.objects();
  for (Inventory::Index i = 0; i < objects.size(); ++i)
    if (objects[i].kind != Kind::container_running && objects[i].kind != Kind::builder_container) look_for_values(objects[i], findings.known, findings.of[i]);
}

Findings find_secrets(const Inventory& inventory, const NameRules& names, std::span<const KnownValue> declared) {
  Findings findings = find_by_name(inventory, names, declared);
  find_known_in_texts(inventory, findings);
  return findings;
}

}  // namespace cleanerd::secrets
