#include "match/example.hpp"

#include <charconv>

#include "base/text.hpp"
#include "match/checks.hpp"
#include "match/codec.hpp"

namespace cleanerd::match {
namespace {

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct Class {
  std::string_view name;
  std::string_view characters;
};
constexpr Class kClasses[] = {
    {"base62", kBase62},
    {"digit", "0123456789"},
    {"hex", "0123456789abcdef"},
    {"HEX", "0123456789ABCDEF"},
    {"lower", "abcdefghijklmnopqrstuvwxyz"},
    {"upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    {"lowernum", "0123456789abcdefghijklmnopqrstuvwxyz"},
    {"uppernum", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    {"base32", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"},
    {"base64", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"},
    {"base64url", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"},
};

class Expander {
 public:
  explicit Expander(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 0x1234567) {}

  Result<std::string> expand(std::string_view text, int depth) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '{') {
        out += text[i];
      } else if (text.substr(i).starts_with("{{")) {
        out += text[i++];
      } else {
        const std::size_t end = closing(text, i);
        if (end == std::string_view::npos) return Error(Errc::config, "a '{' without its '}' (a brace itself is written '{{')");
        if (auto problem = generate(text.substr(i + 1, end - i - 1), out, depth); !problem) return std::move(problem).error();
        i = end;
      }
    }
    return out;
  }

 private:
  static std::size_t closing(std::string_view text, std::size_t at) {
    int depth = 0;
    for (; at < text.size(); ++at) {
      if (text.substr(at).starts_with("{{")) ++at;
      else if (text[at] == '{') ++depth;
      else if (text[at] == '}' && --depth == 0) return at;
    }
    return std::string_view::npos;
  }

  Status generate(std::string_view what, std::string& out, int depth) {
    const auto colon = what.find(':');
    const std::string_view name = what.substr(0, colon);
    const std::string_view rest = colon == std::string_view::npos ? std::string_view() : what.substr(colon + 1);
    if (name == "nl") return out += '\n', Status();
    if (name == "crc32") return out += crc32_base62(std::string_view(out).substr(out.rfind('_') + 1)), Status();
    if (name == "uuid") return uuid(out), Status();
    if (name == "jwt") return jwt(out), Status();
    if (name == "wif") return out += base58check(framed("\x80", 32, "\x01")), Status();
    if (name == "xprv") return out += base58check(framed("\x04\x88\xad\xe4", 74, "")), Status();
    if (name == "bech32") return out += bech32(rest, framed("", 32, "")), Status();
    if (name == "BECH32") return out += to_upper_ascii(bech32(to_lower(rest), framed("", 32, ""))), Status();
    if (name == "pem") return pem(rest, framed("\x30\x82\x02\x58", 600, ""), out), Status();
    if (name == "openssh") return pem("OPENSSH PRIVATE KEY", framed({"openssh-key-v1\0", 15}, 300, ""), out), Status();
    if (name == "b64d") return out += base64_decode(rest), Status();
    if (name == "bytes") {
      const auto n = count(rest);
      if (!n) return n.error();
      return out += framed("", *n, ""), Status();
    }
    if (name == "b64") return nested(rest, out, depth);
    if (name == "repeat") return repeat(rest, out);
    for (const Class& known : kClasses)
      if (known.name == name) return random(rest, known.characters, out);
    return Error(Errc::config, "'{" + std::string(what) + "}' is no generator");
  }

  Status nested(std::string_view text, std::string& out, int depth) {
    if (depth == 4) return Error(Errc::config, "nested too deep");
    auto inner = expand(text, depth + 1);
    if (!inner) return std::move(inner).error();
    out += base64_encode(*inner, Base64::standard);
    return {};
  }

  static Result<std::size_t> count(std::string_view text) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > 4096)
      return Error(Errc::config, "expected a count from 1 to 4096, as in {hex:32}");
    return value;
  }

  Status random(std::string_view length, std::string_view characters, std::string& out) {
    const auto n = count(length);
    if (!n) return n.error();
    for (std::size_t i = 0; i < *n; ++i) out += characters[next() % characters.size()];
    return {};
  }

  static Status repeat(std::string_view rest, std::string& out) {
    const auto colon = rest.rfind(':');
    const auto n = count(colon == std::string_view::npos ? rest : rest.substr(colon + 1));
    if (!n) return n.error();
    for (std::size_t i = 0; i < *n; ++i) out += rest.substr(0, colon);
    return {};
  }

  void uuid(std::string& out) {
    std::string hex;
    (void)random("32", kClasses[2].characters, hex);
    hex[12] = '4';
    hex[16] = 'a';
    for (const std::size_t at : {20u, 16u, 12u, 8u}) hex.insert(at, 1, '-');
    out += hex;
  }

  void jwt(std::string& out) {
    out += base64_encode(R"({"alg":"HS256","typ":"JWT"})", Base64::url) + ".";
    std::string subject;
    (void)random("12", kClasses[1].characters, subject);
    out += base64_encode(R"({"sub":")" + subject + R"(","iat":1516239022})", Base64::url) + ".";
    (void)random("43", kClasses[10].characters, out);
  }

  static void pem(std::string_view label, const std::string& body, std::string& out) {
    out.append("-----BEGIN ").append(label).append("-----\n");
    const std::string text = base64_encode(body, Base64::padded);
    for (std::size_t i = 0; i < text.size(); i += 64) out.append(text, i, 64).append("\n");
    out.append("-----END ").append(label).append("-----\n");
  }

  static std::string to_lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
  }

  // `n` random bytes between two texts.
  std::string framed(std::string_view before, std::size_t n, std::string_view after) {
    std::string out(before);
    for (std::size_t i = 0; i < n; ++i) out += static_cast<char>(next() & 0xFF);
    return out.append(after);
  }

  std::uint64_t next() {  // SplitMix64
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace

Result<std::string> expand_example(std::string_view text, std::uint64_t seed) { return Expander(seed).expand(text, 0); }

}  // namespace cleanerd::match
