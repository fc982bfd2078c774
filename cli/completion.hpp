// Completion scripts for shells.
#pragma once

#include <string>

#include "cli/command_tree.hpp"

namespace cleanerd::cli {

// To be sourced by bash 4.4 or later.
std::string bash_completion(const CommandEntry& program);
// An autoloaded function, as zsh's fpath holds them.
std::string zsh_completion(const CommandEntry& program);
std::string fish_completion(const CommandEntry& program);

// cleanerctl's own, for bash, zsh or fish; empty for another shell.
std::string completion_script(const std::string& shell);

// 'text', for all three.
std::string shell_quoted(const std::string& text);

}  // namespace cleanerd::cli
