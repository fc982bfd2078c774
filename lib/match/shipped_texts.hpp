// config/rules as it was when the library was built; made by cmake/EmbedRules.cmake. Internal to the library.
#pragma once

#include <span>
#include <string_view>

namespace cleanerd::match {

struct ShippedText {
  std::string_view file;
  std::string_view text;
};

std::span<const ShippedText> shipped_texts();

}  // namespace cleanerd::match
