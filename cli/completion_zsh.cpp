#include "cli/completion.hpp"

namespace cleanerd::cli {
namespace {

std::string escaped(const std::string& text, const std::string& special) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || special.find(c) != std::string::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string action_of(const OptionEntry& option) {
  switch (value_kind(option)) {
    case ValueKind::choice: break;
    case ValueKind::file: return "_files";
    case ValueKind::directory: return "_files -/";
    case ValueKind::variable: return "_parameters -g \"*export*\"";
    case ValueKind::command: return "_normal";
    case ValueKind::any: return " ";
  }
  std::string choices;
  for (const std::string& choice : option.choices) choices += (choices.empty() ? "(" : " ") + choice;
  return choices + ")";
}

std::string value_of(const OptionEntry& option, const std::string& name) {
  return ":" + escaped(name, ":") + ":" + action_of(option);
}

// zshcompsys(1), _arguments: '(-o --output)-o+[help]:FILE:_files'
void add_option(const OptionEntry& option, std::string& out) {
  std::string excluded;
  for (const std::string& name : option.names) excluded += (excluded.empty() ? "(" : " ") + name;
  for (const std::string& name : option.names) {
    std::string spec = option.repeatable ? "*" : excluded + ")";
    spec += name;
    if (!option.value.empty()) spec += name.starts_with("--") ? "=" : "+";
    spec += "[" + escaped(option.help, "[]") + "]";
    if (!option.value.empty()) spec += value_of(option, option.value);
    out += " \\\n    " + shell_quoted(spec);
  }
}

void add_argument(const OptionEntry& argument, std::string& out) {
  const bool command = value_kind(argument) == ValueKind::command;
  const std::string count = command ? "*::" : argument.repeatable ? "*" : argument.required ? "" : ":";
  out += " \\\n    " + shell_quoted(count + value_of(argument, argument.names.front()));
}

void add_function(const CommandEntry& command, const std::string& function, std::string& out) {
  std::string body = "  _arguments -C -S -s";
  for (const OptionEntry& option : command.options) add_option(option, body);
  for (const OptionEntry& argument : command.arguments) add_argument(argument, body);
  if (!command.commands.empty()) {
    std::string list, cases;
    for (const CommandEntry& child : command.commands) {
      list += "\n    " + shell_quoted(escaped(child.name, ":") + ":" + child.help);
      cases += "      " + child.name + ") " + function + "_" + child.name + " ;;\n";
      add_function(child, function + "_" + child.name, out);
    }
    body = "  local curcontext=$curcontext state line\n  local -a commands=(" + list + "\n  )\n  typeset -A opt_args\n" + body +
           " \\\n    '(-)1:command:->command' \\\n    '(-)*::argument:->argument'\n"
           "  if [[ $state == command ]]; then\n    _describe command commands\n  elif [[ $state == argument ]]; then\n"
           "    case $line[1] in\n" + cases + "    esac\n  fi";
  }
  out += function + "() {\n" + body + "\n}\n\n";
}

}  // namespace

std::string zsh_completion(const CommandEntry& program) {
  std::string out = "#compdef cleanerctl\n\n";
  add_function(program, "_cleanerctl", out);
  return out + "# Autoloaded, this is the first call; sourced, it makes itself known.\n"
               "if [[ $funcstack[1] == _cleanerctl ]]; then _cleanerctl \"$@\"; else compdef _cleanerctl cleanerctl; fi\n";
}

}  // namespace cleanerd::cli
