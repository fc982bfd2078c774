// Tells whether a place is still what it was when it was searched, without reading its files.
#pragma once

#include <string>
#include <string_view>

#include "storage/file.hpp"

namespace cleanerd::search {

// Empty when the place is not there. Of a fixed place: the root's device, inode, birth and change times. Of another: those of every
// file below, too, with names and sizes.
std::string identity_of(const std::string& path, bool fixed);
// The same, of a root that has been looked at already.
std::string identity_of(const std::string& path, bool fixed, const storage::Stamp& stamp);

// 60 bits of the text's SHA-256 as 15 hex digits: enough to tell one state of a place from the next, and kept in no allocation of its own.
std::string short_hash(std::string_view text);

}  // namespace cleanerd::search
