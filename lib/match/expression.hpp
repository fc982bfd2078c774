// What can be told of an expression before anything is matched with it.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include "base/result.hpp"

namespace cleanerd::match {

// Empty when RE2 takes it, with bytes as characters.
std::string expression_problem(const std::string& expression);

// Bytes that a match spans.
struct Width {
  std::size_t least = 0;
  std::size_t most = std::numeric_limits<std::size_t>::max();  // also: without end
};

// Fails where Vectorscan does not take the pattern. Takes 50 microseconds.
Result<Width> pattern_width(const std::string& pattern);

// Bytes that a match spans at least, where only text (text_spans.hpp) can match; 0 where other bytes can, too, or that cannot be told.
std::size_t text_width(const std::string& pattern);

// The characters that every match begins with: "xoxb-" of `xoxb-[0-9]{10}`; empty for `(?i)x`.
std::string literal_prefix(const std::string& pattern);

}  // namespace cleanerd::match
