// Archives for tests, made in memory.
#pragma once

#include <archive.h>

#include <map>
#include <string>

namespace cleanerd::match {

using Files = std::map<std::string, std::string>;

// `format` is one of libarchive's archive_write_set_format_*, `filter` an ARCHIVE_FILTER_*.
std::string pack(int (*format)(archive*), int filter, const Files& files);
// A Debian package with `files` as its content.
std::string debian_package(const Files& files);

}  // namespace cleanerd::match
