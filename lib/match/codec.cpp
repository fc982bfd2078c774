#include "match/codec.hpp"

#include <array>

namespace cleanerd::match {
namespace {

constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::array<std::int8_t, 256> kSextets = [] {
  std::array<std::int8_t, 256> table{};
  for (auto& entry : table) entry = -1;
  for (std::size_t i = 0; i < 64; ++i) {
    table[static_cast<unsigned char>(kStandard[i])] = static_cast<std::int8_t>(i);
    table[static_cast<unsigned char>(kUrl[i])] = static_cast<std::int8_t>(i);
  }
  return table;
}();

void append_hex(std::string& out, char byte, bool upper_case) {
  const std::string_view digits = upper_case ? "0123456789ABCDEF" : "0123456789abcdef";
  const auto value = static_cast<unsigned char>(byte);
  out += digits[value >> 4];
  out += digits[value & 15];
}

std::string escape_each(std::string_view bytes, std::string_view special, std::string_view before) {
  std::string out;
  for (const char c : bytes) {
    if (special.find(c) != std::string_view::npos) out += before;
    out += c;
  }
  return out;
}

std::string replace_each(std::string_view bytes, char what, std::string_view by) {
  std::string out;
  for (const char c : bytes) {
    if (c == what) out += by;
    else out += c;
  }
  return out;
}

}  // namespace

std::string_view to_string(Encoding encoding) {
  switch (encoding) {
    case Encoding::plain: return "plain";
    case Encoding::base64: return "base64";
    case Encoding::percent: return "percent";
    case Encoding::hex: return "hex";
    case Encoding::json: return "json";
    case Encoding::shell: return "shell";
    case Encoding::xml: return "xml";
    case Encoding::utf16: return "utf-16";
  }
  return "";
}

std::string base64_encode(std::string_view bytes, Base64 alphabet) {
  const std::string_view characters = alphabet == Base64::url ? kUrl : kStandard;
  std::string out;
  out.reserve(bytes.size() * 4 / 3 + 4);
  unsigned word = 0;
  int bits = 0;
  for (const char c : bytes) {
    word = (word << 8 | static_cast<unsigned char>(c)) & 0xFFFF;
    for (bits += 8; bits >= 6; bits -= 6) out += characters[(word >> (bits - 6)) & 63];
  }
  if (bits > 0) out += characters[(word << (6 - bits)) & 63];
  if (alphabet == Base64::padded) out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::string base64_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 3 / 4 + 3);
  unsigned word = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = kSextets[static_cast<unsigned char>(c)];
    if (value < 0) break;
    word = (word << 6 | static_cast<unsigned>(value)) & 0xFFFF;
    if ((bits += 6) >= 8) {
      bits -= 8;
      out += static_cast<char>((word >> bits) & 0xFF);
    }
  }
  return out;
}

bool is_base64(char c) { return kSextets[static_cast<unsigned char>(c)] >= 0; }

std::string percent_encode(std::string_view bytes, bool upper_case) {
  constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";  // RFC 3986 §2.3
  std::string out;
  for (const char c : bytes) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      append_hex(out, c, upper_case);
    }
  }
  return out;
}

std::string hex_encode(std::string_view bytes, bool upper_case) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) append_hex(out, c, upper_case);
  return out;
}

std::string json_escape(std::string_view bytes, JsonStyle style) {
  std::string out;
  for (const char c : bytes) {
    const bool html = style == JsonStyle::html_safe && (c == '<' || c == '>' || c == '&');
    if (c == '"' || c == '\\' || (c == '/' && style == JsonStyle::slashes)) (out += '\\') += c;
    else if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || html) append_hex(out += "\\u00", c, false);
    else out += c;
  }
  return out;
}

std::string xml_escape(std::string_view bytes) {
  std::string out = replace_each(bytes, '&', "&amp;");
  out = replace_each(out, '<', "&lt;");
  out = replace_each(out, '>', "&gt;");
  return replace_each(out, '"', "&quot;");
}

std::string shell_quote(std::string_view bytes, ShellQuotes quotes) {
  switch (quotes) {
    case ShellQuotes::single_closed: return replace_each(bytes, '\'', R"('\'')");
    case ShellQuotes::single_doubled: return replace_each(bytes, '\'', R"('"'"')");
    case ShellQuotes::double_quotes: return escape_each(bytes, "\"\\$`", "\\");
    case ShellQuotes::backslashes: return escape_each(bytes, " \t\"'\\$`!&|;<>()*?[]{}#~", "\\");
  }
  return std::string(bytes);
}

}  // namespace cleanerd::match
