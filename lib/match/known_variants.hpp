// A known value in all the forms in which it may stand in a file.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/secret_value.hpp"
#include "match/codec.hpp"
#include "match/secure_memory.hpp"

namespace cleanerd::match {

inline constexpr std::size_t kMinKnown = 8;         // shorter ones are everywhere
inline constexpr std::size_t kMaxAnchor = 24;       // bytes that the database looks for; the rest is compared
inline constexpr std::size_t kMaxCompared = 4096;   // of a longer variant the beginning decides

struct Variant {
  std::size_t known;   // index of the value
  Encoding encoding;
  bool wraps;          // lines may end within it (base64)
  std::size_t offset;  // in the arena
  std::size_t size;
};

// Where in a variant the bytes stand that are looked for.
struct Anchor {
  std::size_t variant;
  std::size_t offset;
  std::size_t size;
};

struct KnownVariants {
  SecureBytes arena;
  std::vector<Variant> variants;
  std::vector<Anchor> anchors;
  std::vector<std::size_t> unsearchable;  // indices of values that are too short

  std::string_view bytes(const Variant& variant) const { return view(arena).substr(variant.offset, variant.size); }
};

KnownVariants make_variants(std::span<const SecretValue> values);

// Where `variant` ends in `text` when it begins at `at`, line ends in base64 passed over; npos when it does not.
std::size_t variant_end(std::string_view variant, bool wraps, std::string_view text, std::size_t at);

}  // namespace cleanerd::match
