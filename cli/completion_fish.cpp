#include "cli/completion.hpp"

namespace cleanerd::cli {
namespace {

std::string line(const std::string& path) {
  return "complete -c cleanerctl -n " + shell_quoted("__cleanerctl_at" + (path.empty() ? "" : " " + path));
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string values_of(const OptionEntry& option) {
  switch (value_kind(option)) {
    case ValueKind::choice: return " -x -a " + shell_quoted(joined(option.choices));
    case ValueKind::file: return " -r -F";
    case ValueKind::directory: return " -x -a '(__fish_complete_directories (commandline -ct))'";
    case ValueKind::variable: return " -x -a '(set -nx)'";
    case ValueKind::command: return " -x -a '(__fish_complete_subcommand)'";
    case ValueKind::any: break;
  }
  return " -x";
}

std::string argument_values(const OptionEntry& argument) {
  const std::string values = values_of(argument);
  return value_kind(argument) == ValueKind::any ? "" : values.substr(values.find(' ', 1));
}

struct Tables {
  std::string paths, valued, completions;
};

void add(const CommandEntry& command, const std::string& path, Tables& tables) {
  for (const OptionEntry& option : command.options) {
    std::string names;
    for (const std::string& name : option.names) {
      names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!option.value.empty()) tables.valued += " " + name;
    }
    tables.completions += line(path) + names + (option.value.empty() ? "" : values_of(option)) + " -d " + shell_quoted(option.help) + "\n";
  }
  for (const OptionEntry& argument : command.arguments)
    if (const std::string values = argument_values(argument); !values.empty())
      tables.completions += line(path) + values + "\n";
  for (const CommandEntry& child : command.commands) {
    const std::string below = path.empty() ? child.name : path + " " + child.name;
    tables.completions += line(path) + " -a " + child.name + " -d " + shell_quoted(child.help) + "\n";
    tables.paths += " " + shell_quoted(below);
    add(child, below, tables);
  }
}

}  // namespace

std::string fish_completion(const CommandEntry& program) {
  Tables tables;
  add(program, "", tables);
  return "# fish completion for cleanerctl\n"
         "function __cleanerctl_at --description 'Whether the commands typed so far are these'\n"
         "    set -l words (commandline -opc)\n"
         "    set -l path ''\n"
         "    set -l takes_next no\n"
         "    for word in $words[2..-1]\n"
         "        if test $takes_next = yes\n"
         "            set takes_next no\n"
         "        else if contains -- $word" + tables.valued + "\n"
         "            set takes_next yes\n"
         "        else if contains -- (string trim \"$path $word\")" + tables.paths + "\n"
         "            set path (string trim \"$path $word\")\n"
         "        end\n"
         "    end\n"
         "    test \"$path\" = \"$argv\"\n"
         "end\n\n"
         "complete -c cleanerctl -f\n" + tables.completions;
}

}  // namespace cleanerd::cli
