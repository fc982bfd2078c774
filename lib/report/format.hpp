// In which form a document is written (contract.md, --format).
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace cleanerd::report {

enum class Format { table, json, sarif, html };

inline constexpr std::array<const char*, 4> kFormatNames{"table", "json", "sarif", "html"};

constexpr const char* to_string(Format format) { return kFormatNames[static_cast<std::size_t>(format)]; }

constexpr std::optional<Format> parse_format(std::string_view name) {
  for (std::size_t i = 0; i < kFormatNames.size(); ++i)
    if (name == kFormatNames[i]) return static_cast<Format>(i);
  return std::nullopt;
}

}  // namespace cleanerd::report
