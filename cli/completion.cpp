#include "cli/completion.hpp"

#include <CLI/CLI.hpp>

#include "cli/options.hpp"

namespace cleanerd::cli {

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string completion_script(const std::string& shell) {
  CLI::App app;
  Options unused;
  add_commands(app, unused);
  const CommandEntry program = command_tree(app);
  if (shell == "bash") return bash_completion(program);
  if (shell == "zsh") return zsh_completion(program);
  if (shell == "fish") return fish_completion(program);
  return {};
}

}  // namespace cleanerd::cli
