#include "match/checks.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <vector>

#include "match/codec.hpp"

namespace cleanerd::match {
namespace {

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::string_view kBech32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
    table[i] = crc;
  }
  return table;
}();

std::string double_sha256(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> once{}, twice{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), once.data());
  SHA256(once.data(), once.size(), twice.data());
  return {reinterpret_cast<const char*>(twice.data()), twice.size()};
}

std::optional<std::string> base58_decode(std::string_view text) {
  std::vector<unsigned char> bytes;  // least significant first
  for (const char c : text) {
    const auto digit = kBase58.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    auto carry = static_cast<unsigned>(digit);
    for (auto& byte : bytes) {
      carry += byte * 58u;
      byte = static_cast<unsigned char>(carry & 0xFF);
      carry >>= 8;
    }
    for (; carry != 0; carry >>= 8) bytes.push_back(static_cast<unsigned char>(carry & 0xFF));
  }
  for (const char c : text) {
    if (c != '1') break;
    bytes.push_back(0);
  }
  return std::string(bytes.rbegin(), bytes.rend());
}

bool is_base58check(std::string_view text) {
  const auto bytes = base58_decode(text);
  if (!bytes || bytes->size() < 5) return false;
  const std::string_view payload = std::string_view(*bytes).substr(0, bytes->size() - 4);
  return double_sha256(payload).substr(0, 4) == bytes->substr(bytes->size() - 4);
}

std::uint32_t bech32_polymod(const std::vector<unsigned char>& values) {
  constexpr std::uint32_t kGenerator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  std::uint32_t check = 1;
  for (const unsigned char value : values) {
    const std::uint32_t top = check >> 25;
    check = (check & 0x1ffffff) << 5 ^ value;
    for (std::size_t i = 0; i < 5; ++i)
      if (top >> i & 1) check ^= kGenerator[i];
  }
  return check;
}

std::vector<unsigned char> bech32_expand(std::string_view human_readable) {
  std::vector<unsigned char> values;
  for (const char c : human_readable) values.push_back(static_cast<unsigned char>(static_cast<unsigned char>(c) >> 5));
  values.push_back(0);
  for (const char c : human_readable) values.push_back(c & 31);
  return values;
}

bool is_bech32(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto separator = lower.rfind('1');
  if (separator == std::string::npos) return false;
  auto values = bech32_expand(std::string_view(lower).substr(0, separator));
  for (const char c : std::string_view(lower).substr(separator + 1)) {
    const auto value = kBech32.find(c);
    if (value == std::string_view::npos) return false;
    values.push_back(static_cast<unsigned char>(value));
  }
  return bech32_polymod(values) == 1;
}

bool is_pem_body(std::string_view captured) {
  const auto begin = captured.find("-----BEGIN");
  if (begin != std::string_view::npos) {
    const auto end_of_label = captured.find("-----", begin + 10);
    if (end_of_label == std::string_view::npos) return false;
    captured.remove_prefix(end_of_label + 5);
  }
  if (const auto end = captured.find("-----END"); end != std::string_view::npos) captured = captured.substr(0, end);
  const bool headers = captured.find("DEK-Info:") != std::string_view::npos || captured.find("Version:") != std::string_view::npos ||
                       captured.find("Comment:") != std::string_view::npos;
  std::string body;
  // Lines may end in "\n" written out (JSON, environment) and be indented or quoted (YAML, source code).
  std::string_view rest = captured;
  while (!rest.empty()) {
    std::size_t run = 0;
    while (run < rest.size() && is_base64(rest[run]) && rest[run] != '-' && rest[run] != '_') ++run;
    if (run >= 16 || (run > 0 && !body.empty())) body += rest.substr(0, run);
    rest.remove_prefix(run);
    if (rest.size() >= 2 && rest[0] == '\\' && std::string_view("nrt").find(rest[1]) != std::string_view::npos) rest.remove_prefix(2);
    else if (!rest.empty()) rest.remove_prefix(1);
  }
  if (body.size() < 64 || entropy(body) < 4.0) return false;
  if (headers) return true;
  const std::string der = base64_decode(std::string_view(body).substr(0, 64));
  return der[0] == 0x30 || der.starts_with("openssh-key-v1") || (static_cast<unsigned char>(der[0]) & 0x80) != 0;
}

bool is_json_object(std::string_view text) { return text.size() >= 2 && text.front() == '{' && text.back() == '}'; }

bool is_jwt(std::string_view text) {
  const auto first = text.find('.');
  const auto second = text.find('.', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return false;
  const std::string header = base64_decode(text.substr(0, first));
  const std::string claims = base64_decode(text.substr(first + 1, second - first - 1));
  return is_json_object(header) && header.find("\"alg\"") != std::string::npos && is_json_object(claims);
}

std::optional<std::string> password_of(std::string_view text) {
  const std::string decoded = base64_decode(text);
  const auto colon = decoded.find(':');
  if (colon == std::string::npos || colon == 0 || decoded.size() - colon <= 4) return std::nullopt;
  for (const char c : decoded)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7E) return std::nullopt;
  return decoded.substr(colon + 1);
}

int kind(char c) { return c >= '0' && c <= '9' ? 1 : c >= 'a' && c <= 'z' ? 2 : c >= 'A' && c <= 'Z' ? 3 : 4; }

struct Makeup {
  std::array<int, 5> of{};  // by kind
  int changes = 0;          // from one kind to another, what is neither letter nor digit left out
  int size = 0;
};

Makeup makeup(std::string_view text) {
  Makeup out;
  out.size = static_cast<int>(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int k = kind(text[i]);
    ++out.of[static_cast<std::size_t>(k)];
    out.changes += i > 0 && k != 4 && kind(text[i - 1]) != 4 && k != kind(text[i - 1]);
  }
  return out;
}

// Of random base62 62 % of neighbours differ in kind, of hex 47 %, of base32 31 %; of mangled C++ names some 33 %.
bool changes_often(const Makeup& m, int single_case_percent) {
  const bool both_cases = m.of[2] >= 3 && m.of[3] >= 3;
  return m.changes * 100 >= m.size * (both_cases ? 42 : single_case_percent);
}

bool is_long_hex(std::string_view text) {
  const auto is_digit = [](char c) { return kind(c) == 1 || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  return text.size() >= 32 && std::ranges::all_of(text, is_digit);
}

// No word is long and of hexadecimal digits alone, of which one in fifty changes rarely.
bool is_mixed(std::string_view text) {
  const Makeup m = makeup(text);
  return m.of[1] >= 2 && m.of[2] + m.of[3] >= 3 && m.of[4] * 5 <= m.size && (changes_often(m, 25) || is_long_hex(text));
}

}  // namespace

double entropy(std::string_view bytes) {
  if (bytes.empty()) return 0;
  std::array<unsigned, 256> counts{};
  for (const char c : bytes) ++counts[static_cast<unsigned char>(c)];
  const auto size = static_cast<double>(bytes.size());
  double sum = 0;
  for (const unsigned count : counts)
    if (count != 0) sum += count * std::log2(count);
  return std::log2(size) - sum / size;
}

bool looks_generated(std::string_view bytes) {
  std::string_view longest;
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t end = at;
    while (end < bytes.size() && kind(bytes[end]) != 4) ++end;
    if (end - at > longest.size()) longest = bytes.substr(at, end - at);
    at = end + 1;
  }
  const Makeup m = makeup(longest);
  return m.size < 8 || (m.of[1] > 0 && changes_often(m, 12));
}

std::string crc32_base62(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) crc = kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF] ^ (crc >> 8);
  crc = ~crc;
  std::string digits(6, '0');
  for (std::size_t i = 6; i-- > 0; crc /= 62) digits[i] = kBase62[crc % 62];
  return digits;
}

std::string base58check(std::string_view payload) {
  const std::string bytes = std::string(payload) + double_sha256(payload).substr(0, 4);
  std::vector<unsigned> digits;  // least significant first
  for (const char c : bytes) {
    unsigned carry = static_cast<unsigned char>(c);
    for (unsigned& digit : digits) {
      carry += digit << 8;
      digit = carry % 58;
      carry /= 58;
    }
    for (; carry != 0; carry /= 58) digits.push_back(carry % 58);
  }
  std::string out;
  for (std::size_t i = 0; i < bytes.size() && bytes[i] == '\0'; ++i) out += '1';
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) out += kBase58[*digit];
  return out;
}

std::string bech32(std::string_view human_readable, std::string_view payload) {
  std::vector<unsigned char> data;
  unsigned word = 0;
  int bits = 0;
  for (const char c : payload) {
    word = (word << 8 | static_cast<unsigned char>(c)) & 0xFFF;
    for (bits += 8; bits >= 5; bits -= 5) data.push_back(static_cast<unsigned char>(word >> (bits - 5) & 31));
  }
  if (bits > 0) data.push_back(static_cast<unsigned char>(word << (5 - bits) & 31));
  auto values = bech32_expand(human_readable);
  values.insert(values.end(), data.begin(), data.end());
  values.insert(values.end(), 6, 0);
  const std::uint32_t check = bech32_polymod(values) ^ 1;
  for (unsigned i = 0; i < 6; ++i) data.push_back(check >> (5 * (5 - i)) & 31);
  std::string out = std::string(human_readable) + "1";
  for (const unsigned char value : data) out += kBech32[value];
  return out;
}

std::optional<std::string> passes(Check check, std::string_view captured) {
  bool good = true;
  switch (check) {
    case Check::none: break;
    case Check::crc32_base62: {
      const auto random = captured.substr(captured.rfind('_') + 1);
      good = random.size() > 6 && crc32_base62(random.substr(0, random.size() - 6)) == random.substr(random.size() - 6);
      break;
    }
    case Check::base58check: good = is_base58check(captured); break;
    case Check::bech32: good = is_bech32(captured); break;
    case Check::pem: good = is_pem_body(captured); break;
    case Check::jwt: good = is_jwt(captured); break;
    case Check::basic_auth: return password_of(captured);
    case Check::base64_json: good = is_json_object(base64_decode(captured)); break;
    case Check::mixed: good = is_mixed(captured); break;
  }
  if (!good) return std::nullopt;
  return std::string(captured);
}

}  // namespace cleanerd::match
