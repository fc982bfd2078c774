#include "base/secret_value.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace cleanerd {
namespace {

std::string to_hex(const unsigned char* bytes, std::size_t count) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(count * 2);
  for (std::size_t i = 0; i < count; ++i) {
    hex += kDigits[bytes[i] >> 4];
    hex += kDigits[bytes[i] & 15];
  }
  return hex;
}

}  // namespace

SecretValue& SecretValue::operator=(const SecretValue& other) {
  if (this != &other) {
    OPENSSL_cleanse(bytes_.data(), bytes_.size());
    bytes_ = other.bytes_;
  }
  return *this;
}

SecretValue& SecretValue::operator=(SecretValue&& other) noexcept {
  bytes_.swap(other.bytes_);
  return *this;
}

SecretValue::~SecretValue() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

std::string mask(const SecretValue& secret) {
  const std::string_view bytes = secret.reveal();
  if (bytes.size() < 12) return "****";
  for (const char c : bytes)
    if (c < 0x21 || c > 0x7E) return "****";  // a cut through a multi-byte character is no text
  return std::string(bytes.substr(0, 2)) + "****" + std::string(bytes.substr(bytes.size() - 2));
}

std::string Fingerprinter::operator()(const SecretValue& secret) const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  const std::string_view bytes = secret.reveal();
  HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
       reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data(), &length);
  return to_hex(digest.data(), 12);
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  // OpenSSL 3 looks the algorithm up anew where it is not given.
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, algorithm, nullptr);
  return to_hex(digest.data(), digest.size());
}

}  // namespace cleanerd
