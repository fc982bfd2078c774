// Opens what lies in a directory, and nothing that a link or a mount point there leads to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/file.hpp"

namespace cleanerd::storage {

// `path` from `directory`, of any length, without "." and "..". No descriptor and errno when it cannot be had: ELOOP and ENOTDIR
// for a link, EXDEV for a mount point.
Descriptor open_directory_beneath(const Descriptor& directory, std::string_view path);

// What is in a directory, sorted, without "." and "..". Nothing and errno when it cannot be read.
std::optional<std::vector<std::string>> names_beneath(const Descriptor& directory);

// One name. For a regular file only: the caller has seen its type, and looks again at what was opened. Does not wait.
Descriptor open_file_beneath(const Descriptor& directory, const char* name);

// A regular file that `path` leads to from the directory `root`, as above all the way.
Result<Descriptor> open_regular_file_beneath(const std::string& root, std::string_view path);

}  // namespace cleanerd::storage
