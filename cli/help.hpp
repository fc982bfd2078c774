// What --help ends with.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace cleanerd::cli {

// Command lines to copy; none for most commands. `command` as "scan" or "session begin".
std::span<const char* const> examples_of(std::string_view command);

// The examples of a command, if it has any, and the exit statuses.
std::string help_footer(std::string_view command);

}  // namespace cleanerd::cli
