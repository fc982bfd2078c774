// Text for man(7).
#pragma once

#include <string>

#include "cli/command_tree.hpp"

namespace cleanerd::man {

// Backslashes, hyphens and what would be a request at the beginning of a line.
std::string escaped(const std::string& text);

// The program's own options; "" where it has none.
std::string options_of(const cli::CommandEntry& program);
// A subsection for each command with its options. Those that three or more commands share word for word are told once, by shared_options().
std::string commands_of(const cli::CommandEntry& program);
std::string shared_options(const cli::CommandEntry& program);

// Headings, paragraphs, lists, tables, code and emphasis of the Markdown that the project's own pages are written in.
std::string from_markdown(const std::string& text);

}  // namespace cleanerd::man
