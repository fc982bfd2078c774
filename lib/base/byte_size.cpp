#include "base/byte_size.hpp"

#include <charconv>
#include <cstdio>
#include <iterator>
#include <limits>

namespace cleanerd {
namespace {

constexpr std::string_view kPowers = "kmgtp";  // of 1024

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string to_string(ByteSize size) {
  static constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(size.bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return buffer;
}

std::optional<ByteSize> parse_byte_size(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0) || text.front() == '-') return std::nullopt;  // from_chars reads "nan", too
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.starts_with(' ')) text.remove_prefix(1);
  if (!text.empty()) {
    if (const auto power = kPowers.find(lower(text.front())); power != std::string_view::npos) {
      for (std::size_t i = 0; i <= power; ++i) number *= 1024;
      text.remove_prefix(1);
      if (!text.empty() && lower(text.front()) == 'i') text.remove_prefix(1);
    }
    if (!text.empty() && lower(text.front()) == 'b') text.remove_prefix(1);
  }
  if (!text.empty() || number >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return ByteSize{static_cast<std::int64_t>(number)};
}

std::string format_byte_size(ByteSize size) {
  std::int64_t number = size.bytes;
  std::size_t power = 0;
  for (; number != 0 && number % 1024 == 0 && power < kPowers.size(); ++power) number /= 1024;
  if (power == 0) return std::to_string(number) + "B";
  return std::to_string(number) + "KMGTP"[power - 1] + "iB";
}

}  // namespace cleanerd
