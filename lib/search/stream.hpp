// Bytes that somebody else reads: an export of the engine.
#pragma once

#include <functional>

#include "base/result.hpp"
#include "match/unpack.hpp"

namespace cleanerd::search {

// Hands its source of bytes to the function, once. A failure that is not the function's own: Errc::not_found when there is nothing
// (any more).
using Stream = std::function<Status(const std::function<void(const match::ByteSource&)>&)>;

}  // namespace cleanerd::search
