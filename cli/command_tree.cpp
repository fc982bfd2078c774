#include "cli/command_tree.hpp"

#include <CLI/CLI.hpp>

namespace cleanerd::cli {
namespace {

// CLI11 tells the allowed values only as the end of the type's name: "TEXT:{table,json}".
void read_value(const CLI::Option& option, OptionEntry& entry) {
  entry.value = option.get_type_name();
  const auto set = entry.value.find(":{");
  if (set == std::string::npos || !entry.value.ends_with('}')) return;
  const std::string members = entry.value.substr(set + 2, entry.value.size() - set - 3);
  entry.choices = CLI::detail::split(members, ',');
  entry.value.resize(set);
}

OptionEntry read_option(const CLI::Option& option) {
  OptionEntry entry;
  for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
  if (entry.names.empty()) entry.names.push_back(option.get_single_name());
  if (option.get_items_expected_max() > 0) read_value(option, entry);
  entry.default_value = option.get_default_str();
  entry.help = option.get_description();
  entry.required = option.get_required();
  entry.repeatable = option.get_items_expected_max() > 1;
  return entry;
}

void read_into(const CLI::App& app, CommandEntry& entry) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    (option->nonpositional() ? entry.options : entry.arguments).push_back(read_option(*option));
  }
  for (const CLI::App* child : app.get_subcommands({})) {
    if (child->get_name().empty()) read_into(*child, entry);  // a group of options
    else if (!child->get_group().empty()) entry.commands.push_back(command_tree(*child));
  }
}

}  // namespace

CommandEntry command_tree(const CLI::App& app) {
  CommandEntry entry{app.get_name(), app.get_description(), {}, {}, {}};
  read_into(app, entry);
  return entry;
}

ValueKind value_kind(const OptionEntry& option) {
  const std::string& name = option.names.front();
  const std::string& type = name.starts_with('-') ? option.value : name;
  if (!option.choices.empty()) return ValueKind::choice;
  if (type.starts_with("FILE") || type.starts_with("PATH")) return ValueKind::file;
  if (type.starts_with("DIR")) return ValueKind::directory;
  if (type.starts_with("CMD") || type.starts_with("COMMAND")) return ValueKind::command;
  if (name.ends_with("-env")) return ValueKind::variable;
  return ValueKind::any;
}

}  // namespace cleanerd::cli
