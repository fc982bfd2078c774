// The command line as plain values, read off CLI11's own: help, completions and man pages come from one table.
#pragma once

#include <compare>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cleanerd::cli {

struct OptionEntry {
  std::vector<std::string> names;    // "--output", "-o": long ones first; an argument's one name, as "ID"
  std::string value;                 // what it takes, as "FILE"; empty: nothing
  std::vector<std::string> choices;  // the only values it takes; empty: any
  std::string default_value;
  std::string help;
  bool required = false, repeatable = false;

  auto operator<=>(const OptionEntry&) const = default;
};

struct CommandEntry {
  std::string name, help;
  std::vector<OptionEntry> options, arguments;
  std::vector<CommandEntry> commands;
};

// What is hidden from --help (an empty group) is left out.
CommandEntry command_tree(const CLI::App& app);

// How a shell completes a value.
enum class ValueKind { any, choice, file, directory, variable, command };
ValueKind value_kind(const OptionEntry& option);

}  // namespace cleanerd::cli
