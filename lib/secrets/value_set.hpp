// Many known values looked for in one pass over a text.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/secret_value.hpp"

namespace cleanerd::secrets {

struct KnownValue {
  SecretValue value;
  std::string origin;     // "declared (environment variable NPM_TOKEN)", "build argument NPM_TOKEN of image 0123456789ab"
  bool declared = false;  // handed over by the job, rather than traced
};

class ValueSet {
 public:
  // Adds a value of at least 8 bytes (see is_searchable); the first origin of a value stays.
  void add(KnownValue known);
  std::span<const KnownValue> values() const { return values_; }

  // Calls `on_match` with the position and the value at each place where one stands.
  void search(std::string_view text, const std::function<void(std::size_t, const KnownValue&)>& on_match) const;
  bool any_in(std::string_view text) const;
  // The text with every value in it replaced by "****".
  std::string redact(std::string_view text) const;

 private:
  static constexpr std::size_t kPrefix = 8;
  std::vector<KnownValue> values_;
  std::unordered_multimap<std::uint64_t, std::size_t> by_prefix_;
  std::vector<bool> maybe_ = std::vector<bool>(1u << 16);  // which prefixes can be there, by a 16-bit hash
};

}  // namespace cleanerd::secrets
