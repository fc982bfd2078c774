// A secret's bytes. They cannot be streamed or formatted; what may leave is its mask and its fingerprint.
#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

namespace cleanerd {

class SecretValue {
 public:
  explicit SecretValue(std::string_view bytes) : bytes_(bytes) {}
  SecretValue(const SecretValue&) = default;
  SecretValue& operator=(const SecretValue& other);
  SecretValue(SecretValue&&) noexcept = default;
  SecretValue& operator=(SecretValue&& other) noexcept;
  ~SecretValue();

  // For matching and hashing only; a view must not outlive the value or reach an output.
  std::string_view reveal() const { return bytes_; }
  std::size_t size() const { return bytes_.size(); }
  friend auto operator<=>(const SecretValue&, const SecretValue&) = default;

 private:
  std::string bytes_;
};

// First two and last two characters of a secret of 12 or more, otherwise none.
std::string mask(const SecretValue& secret);

// Keyed hashes, so that one secret found in two places has one fingerprint and nobody without the key can test a guess.
class Fingerprinter {
 public:
  using Key = std::array<unsigned char, 32>;
  explicit Fingerprinter(const Key& key) : key_(key) {}
  std::string operator()(const SecretValue& secret) const;  // 24 hex digits of HMAC-SHA-256

 private:
  Key key_;
};

std::string sha256_hex(std::string_view bytes);

}  // namespace cleanerd
