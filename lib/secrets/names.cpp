#include "secrets/names.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace cleanerd::secrets {
namespace {

constexpr std::string_view kPatterns[] = {
    "*SECRET*",      "*TOKEN*",       "*PASSWORD*",   "*PASSWD*",    "*PASSPHRASE*", "PASS",        "*_PASS",
    "*_PWD",         "*CREDENTIAL*",  "*_KEY",        "*APIKEY*",    "*API_KEY*",    "*ACCESSKEY*", "*ACCESS_KEY*",
    "*PRIVATE_KEY*", "*PRIVATEKEY*",  "*AUTHKEY*",    "*_AUTH",      "*_DSN",        "*_PAT",       "*CONNECTION_STRING*",
    "*_KEY_BASE64",  "*_KEY_B64",     "*_KEY_PEM",    "*_KEY_JSON",  "*DOCKER_AUTH_CONFIG*",
    "*PASS",         "*PASSW",        "*PASSWORT",    "*PASS_PHRASE*", "*MOT_DE_PASSE*", "PW",     "*_PW",      "*ROOTPW",
    "*_PSW",         "CRED",          "CREDS",        "*_CRED",      "*_CREDS",      "AUTH",        "PAT",       "COOKIE",
    "*_COOKIE",      "*_SALT",        "APPKEY",       "*_APPKEY",    "*LICENSEKEY",  "KUBECONFIG*",
    "BUNDLE_*__COM", "BUNDLE_*__ORG", "BUNDLE_*__NET", "BUNDLE_*__IO", "BUNDLE_*__DEV",
};

// Names that hold the words above and no secret: identifiers, places, properties and public keys.
constexpr std::string_view kExceptions[] = {
    "*_KEY_ID",     "*_KEYID",      "*TOKEN_ID",    "*CREDENTIAL_ID", "*CREDENTIALS_ID", "*TOKENIZER*",    "*TOKENIZE",
    "*_FILE",       "*_PATH",       "*_DIR",        "*_NAME",         "*_VERSION",       "*_SHA256",       "*_SHA512",
    "*_SHA1",       "*_MD5",        "*_CHECKSUM",   "*_DIGEST",       "*_FINGERPRINT",   "*_LENGTH",       "*_SIZE",
    "*_COUNT",      "*_LIMIT",      "*_TTL",        "*_EXPIRY",       "*_EXPIRES*",      "*_EXPIRATION",   "*_TIMEOUT",
    "*_ENABLED",    "*_DISABLED",   "*_REQUIRED",   "*_TYPE",         "*_ALGORITHM",     "*_ALG",          "*_FORMAT",
    "*_ENDPOINT",   "*_URL",        "*_URI",        "*_HOST",         "*_PORT",          "*_REGION",       "*_POLICY",
    "*PUBLIC_KEY*", "*_PUBKEY*",    "GPG_KEY",      "*_GPG_KEY",      "*GPG_KEYS",       "APT_KEY",        "*CACHE_KEY",
    "PRIMARY_KEY",  "*_PRIMARY_KEY", "FOREIGN_KEY", "SORT_KEY",       "*_SORT_KEY",      "PARTITION_KEY",  "*_PARTITION_KEY",
    "*MAX_TOKENS*", "*_TOKENS",     "*TOKENS_PER*", "*SECRET_SANTA*", "*_PREFIX",        "*_HEADER",       "*_PATTERN",
    "*COMPASS",     "*BYPASS",      "*_BACKEND",    "*_PROVIDER",     "*_STORE",         "*_HASHER",       "*_AUDIENCE",
    "*_ENCODING",   "*_SYMBOL",     "*_ADDRESS",    "*_CAPACITY",     "*_DAYS",          "*_HOURS",        "*_MINUTES",
    "*_SECONDS",    "*_SCANNING",   "*_FIELD",      "*_LOCATION",     "*_ISSUER",        "*_ROUTE",        "*_SUFFIX",
    "*_PROJECT",    "*_DRIVER",     "*_METHOD",     "*_MODE",         "*_LIFETIME",      "*_DURATION",     "*_INTERVAL",
    "HASH_KEY",     "I18N_KEY",     "*FEATURE_KEY", "*SITE_KEY",      "NEXT_PUBLIC_*",   "*_ANON_KEY",
};

// A secret that is this common would be found everywhere.
constexpr std::string_view kCommon[] = {
    "password", "changeme",   "secret", "postgres", "username",    "testtest", "12345678",   "123456789",
    "1234567890", "production", "development", "localhost", "administrator", "undefined", "disabled", "registry",
};

// Names of programs and words that passwords of tests are, and that innocent files hold.
constexpr std::string_view kEveryday[] = {"wordpress", "keycloak", "rabbitmq", "minioadmin", "superuser", "database", "anonymous", "building", "supersecret"};

// What services come with, as the password in an address that people try things with.
constexpr std::string_view kPreset[] = {"guest", "root", "admin", "user", "test", "pass", "mysql", "mongo", "redis", "rabbitmq", "minioadmin"};

constexpr std::string_view kSwitches[] = {
    "TRUE", "FALSE", "YES", "NO", "ON", "OFF", "NONE", "NULL", "NIL", "UNDEFINED", "N/A", "0", "1", "-", "DEFAULT", "AUTO",
    "BASIC", "DIGEST", "BEARER", "LDAP", "SAML", "OAUTH", "OAUTH2", "OIDC", "JWT", "KERBEROS", "ENABLED", "DISABLED", "DUMMY",
};

std::string normal(std::string_view name) {
  std::string text = to_upper_ascii(name);
  std::ranges::replace(text, '-', '_');
  std::ranges::replace(text, '.', '_');
  return text;
}

std::string lowered(std::string_view value) {
  std::string lower(value);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

bool is_reference(std::string_view value) {
  if (!value.starts_with('$')) return value.starts_with("/run/secrets/");
  const std::string_view name = value.substr(1);
  static constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  if (name.starts_with('{')) return name.ends_with('}');
  if (name.starts_with('(')) return true;  // $(command)
  return !name.empty() && name.find_first_not_of(kNameCharacters) == std::string_view::npos;
}

// "/certs/tls.key", "./id_rsa". Base64 of a secret's length hardly ever lacks capitals.
bool is_path(std::string_view value) {
  const bool begins = value.starts_with('/') || value.starts_with("./") || value.starts_with("../") || value.starts_with("~/");
  return begins && value.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789/._-~") == std::string_view::npos && value.size() >= 4;
}

bool may_be_an_id(std::string_view part) {
  const auto has = [&](char first, char last) { return std::ranges::any_of(part, [&](char c) { return c >= first && c <= last; }); };
  return has('0', '9') && (part.size() >= 16 || (part.size() >= 8 && has('a', 'z') && has('A', 'Z')));
}

// "https://login.example.org/realms/main": an address whose parts are no secret, and that hands over nothing.
bool is_plain_address(std::string_view value) {
  const auto scheme = value.find("://");
  if (scheme == std::string_view::npos || scheme > 10 || value.find_first_of("@?#;") != std::string_view::npos) return false;
  if (value.substr(0, scheme).find_first_not_of("abcdefghijklmnopqrstuvwxyz+") != std::string_view::npos) return false;
  for (std::size_t at = scheme + 3; at <= value.size();) {
    const auto end = std::min(value.find_first_of("/.:", at), value.size());
    if (may_be_an_id(value.substr(at, end - at))) return false;
    at = end + 1;
  }
  return true;
}

// "mysql123", "Development": a word, with a number at most.
bool is_word(std::string_view value) {
  constexpr std::string_view kSmall = "abcdefghijklmnopqrstuvwxyz", kCapital = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const bool capitals = value.size() > 1 && kCapital.find(value[1]) != std::string_view::npos;
  const std::size_t first = kCapital.find(value.empty() ? '-' : value[0]) == std::string_view::npos ? 0 : 1;
  const auto letters = std::min(value.find_first_not_of(capitals ? kCapital : kSmall, first), value.size());
  return value.size() < 12 && value.size() - letters <= 4 && value.find_first_not_of("0123456789", letters) == std::string_view::npos;
}

bool is_mask(std::string_view value) {
  if (value.find_first_not_of("*xX.") == std::string_view::npos) return true;
  return value.front() == '<' && value.back() == '>';
}

}  // namespace

NameRules::NameRules() {
  for (const auto pattern : kPatterns) patterns_.emplace_back(pattern);
  for (const auto exception : kExceptions) exceptions_.emplace_back(exception);
}

NameRules::NameRules(std::vector<std::string> patterns, std::vector<std::string> exceptions) {
  add(patterns, exceptions);
}

void NameRules::add(std::span<const std::string> patterns, std::span<const std::string> exceptions) {
  for (const auto& pattern : patterns) patterns_.push_back(normal(pattern));
  for (const auto& exception : exceptions) exceptions_.push_back(normal(exception));
}

bool NameRules::is_secret(std::string_view name) const {
  const std::string text = normal(name);
  const auto matches = [&](const std::string& pattern) { return glob_match(pattern, text); };
  return std::ranges::any_of(patterns_, matches) && std::ranges::none_of(exceptions_, matches);
}

std::string NameRules::text() const {
  std::string all;
  for (const auto* list : {&patterns_, &exceptions_}) {
    for (const std::string& one : *list) (all += one) += ' ';
    all += '/';
  }
  return all;
}

bool can_be_secret(std::string_view value) {
  value = trim(value);
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.front() == value.back())
    value = value.substr(1, value.size() - 2);
  if (value.empty() || is_reference(value) || is_mask(value) || is_path(value) || is_plain_address(value)) return false;
  return std::ranges::find(kSwitches, to_upper_ascii(value)) == std::end(kSwitches);
}

bool is_searchable(std::string_view value) {
  if (value.size() < 8) return false;
  std::string lower = lowered(value);
  if (std::ranges::find(kCommon, lower) != std::end(kCommon)) return false;
  // "aaaaaaaa", "abababab": what few distinct characters make is everywhere in padding and tables.
  std::ranges::sort(lower);
  return std::unique(lower.begin(), lower.end()) - lower.begin() >= 4;
}

bool can_be_traced(std::string_view value) {
  return is_searchable(value) && !is_path(value) && !is_word(value) && std::ranges::find(kEveryday, lowered(value)) == std::end(kEveryday);
}

bool is_preset_password(std::string_view value) {
  const std::string lower = lowered(value);
  return std::ranges::find(kPreset, lower) != std::end(kPreset) || std::ranges::find(kCommon, lower) != std::end(kCommon);
}

}  // namespace cleanerd::secrets
