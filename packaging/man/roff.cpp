#include "packaging/man/roff.hpp"

#include <map>

#include "cli/help.hpp"

namespace cleanerd::man {
namespace {

using cli::CommandEntry;
using cli::OptionEntry;

constexpr int kSharedFrom = 3;  // commands

std::string value_of(const OptionEntry& option) {
  if (option.choices.empty()) return "\\fI" + escaped(option.value) + "\\fR";
  std::string text;
  for (const std::string& choice : option.choices) text += (text.empty() ? "" : "|") + std::string("\\fB") + escaped(choice) + "\\fR";
  return text;
}

std::string tagged(const OptionEntry& option) {
  std::string names;
  const bool argument = !option.names.front().starts_with('-');
  for (const std::string& name : option.names) names += (names.empty() ? "" : ", ") + std::string(argument ? "\\fI" : "\\fB") + escaped(name) + "\\fR";
  if (argument && !option.choices.empty()) names += ": " + value_of(option);
  if (!argument && !option.value.empty()) names += " " + value_of(option);
  std::string help = escaped(option.help);
  if (!option.default_value.empty()) help += " (default: " + escaped(option.default_value) + ")";
  return ".TP\n" + names + "\n" + help + "\n";
}

using Uses = std::map<OptionEntry, int>;
using Shared = std::map<std::string, OptionEntry>;  // by name

void count(const CommandEntry& command, Uses& uses) {
  for (const CommandEntry& child : command.commands) {
    for (const OptionEntry& option : child.options) ++uses[option];
    count(child, uses);
  }
}

// Of two that differ under one name, that of more commands.
Shared shared_by_commands(const CommandEntry& program) {
  Uses uses;
  count(program, uses);
  Shared shared;
  for (const auto& [option, commands] : uses) {
    if (commands < kSharedFrom) continue;
    const auto [known, is_new] = shared.emplace(option.names.front(), option);
    if (!is_new && uses.at(known->second) < commands) known->second = option;
  }
  return shared;
}

// `command` begins with the program's name.
std::string examples_of(const std::string& command) {
  std::string out;
  for (const char* line : cli::examples_of(command.substr(command.find(' ') + 1))) out += escaped(line) + "\n";
  return out.empty() ? out : ".PP\nFor example:\n.PP\n.EX\n" + out + ".EE\n";
}

void add_command(const CommandEntry& command, const std::string& before, const Shared& shared, std::string& out) {
  const std::string name = before + " " + command.name;
  if (command.commands.empty()) {
    out += ".SS \"" + escaped(name);
    for (const OptionEntry& argument : command.arguments) {
      const std::string shown = escaped(argument.names.front()) + (argument.repeatable ? "..." : "");
      out += argument.required ? " " + shown : " [" + shown + "]";
    }
    out += "\"\n" + escaped(command.help) + ".\n";
    std::string names;
    for (const OptionEntry& argument : command.arguments)
      if (!argument.help.empty()) out += tagged(argument);
    for (const OptionEntry& option : command.options) {
      const auto known = shared.find(option.names.front());
      if (known == shared.end() || known->second != option) out += tagged(option);
      else names += (names.empty() ? "" : ", ") + std::string("\\fB") + escaped(option.names.front()) + "\\fR";
    }
    if (!names.empty()) out += ".PP\nAnd the shared options " + names + ".\n";
    out += examples_of(name);
  }
  for (const CommandEntry& child : command.commands) add_command(child, name, shared, out);
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else out += c;
  }
  return out;
}

std::string options_of(const CommandEntry& program) {
  std::string out;
  for (const OptionEntry& option : program.options) out += tagged(option);
  return out;
}

std::string commands_of(const CommandEntry& program) {
  const Shared shared = shared_by_commands(program);
  std::string out;
  for (const CommandEntry& command : program.commands) add_command(command, program.name, shared, out);
  return out;
}

std::string shared_options(const CommandEntry& program) {
  std::string out;
  for (const auto& [name, option] : shared_by_commands(program)) out += tagged(option);
  return out;
}

}  // namespace cleanerd::man
