// Tells whether a place is still what it was when it was searched, without reading its files.
#pragma once

#include <string>

namespace cleanerd::search {

// Empty when the place is not there. Of a fixed place: the root's device, inode, birth and change times. Of another: those of every
// file below, too, with names and sizes.
std::string identity_of(const std::string& path, bool fixed);

}  // namespace cleanerd::search
