// What can be told of an expression before anything is matched with it.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.hpp"

namespace cleanerd::match {

// Empty when RE2 takes it, with bytes as characters.
std::string expression_problem(const std::string& expression);

// Bytes that a match spans at most (SIZE_MAX: without end). Fails where Vectorscan does not take it.
Result<std::size_t> pattern_width(const std::string& pattern);

// The characters that every match begins with: "xoxb-" of `xoxb-[0-9]{10}`; empty for `(?i)x`.
std::string literal_prefix(const std::string& pattern);

}  // namespace cleanerd::match
