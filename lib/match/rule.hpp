// What a rule says: how a kind of secret looks, how a hit is confirmed, and where it is looked for. Schema: config/rules/README.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cleanerd::match {

enum class Tier {
  any,   // looked for in every byte of every file
  text,  // loose: in text only
  path,  // in files whose path fits `paths`; without a pattern the file itself is the finding
};

// What the captured bytes must fulfil beyond the expression.
enum class Check {
  none,
  crc32_base62,  // the last 6 characters are the CRC-32 of those before, after the last '_' (GitHub, npm)
  base58check,   // Bitcoin's WIF and extended keys
  bech32,        // age, nostr (BIP-173)
  pem,           // base64 of a DER sequence or an OpenSSH key, not a header alone
  jwt,           // header and claims are JSON objects in base64url, the header names an algorithm
  basic_auth,    // base64 of user:password; the secret is the password
  base64_json,   // base64 of a JSON object
  mixed,         // letters and digits, no word, path or identifier
};

// Which byte may not stand beside a match in text. In binary files values stand wall to wall: there it has to look generated instead.
enum class Boundary { none, word, base64 };

struct Rule {
  std::string id;
  std::string description;
  Tier tier = Tier::any;
  std::string pattern;  // minimal: Vectorscan reports each end it can have
  std::string confirm;  // RE2; the first group that took part is the secret. Empty: the pattern, which must end at the hit
  double entropy = 0;   // bits a byte that the secret has at least
  Check check = Check::none;
  Boundary boundary = Boundary::word;
  bool left_boundary = true;
  std::size_t reach = 0;              // bytes after the hit that `confirm` may look at
  std::size_t before = 0;             // bytes before the pattern where `confirm` may begin
  std::vector<std::string> prefixes;  // literal beginnings, looked for in base64 and UTF-16 too
  std::vector<std::string> keywords;  // one of them stands within kKeywordReach of the hit
  std::vector<std::string> paths;
  std::vector<std::string> allow;     // RE2 over the secret: what is none
  std::vector<std::string> match;     // examples (example.hpp) that are found …
  std::vector<std::string> reject;    // … and that are not
  std::string file;
  int line = 0;

  // Of two that overlap the higher is reported.
  int rank() const {
    const bool checked = check != Check::none && check != Check::mixed;
    return (checked ? 4 : 0) + (tier == Tier::any ? 2 : tier == Tier::path ? 1 : 0);
  }
};

// What is no secret whatever rule finds it: placeholders, vendors' documented examples.
struct AllowRule {
  std::string id;
  std::string description;
  std::string pattern;             // RE2 over the secret; empty: any
  std::vector<std::string> rules;  // globs over rule ids; empty: all
  std::vector<std::string> paths;  // globs over the path; empty: all
  std::string file;
  int line = 0;
};

struct RuleSet {
  std::vector<Rule> rules;
  std::vector<AllowRule> allows;
  std::string hash;  // SHA-256 over all that was read, in order
};

inline constexpr std::size_t kMaxWidth = 1024;     // bytes a pattern may span
inline constexpr std::size_t kMaxReach = 8192;     // the longest PEM body in use (RSA 8192) is 6.4 KiB
inline constexpr std::size_t kMaxBefore = 128;
inline constexpr std::size_t kKeywordReach = 256;

}  // namespace cleanerd::match
