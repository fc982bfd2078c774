// A buffer for bytes among which a secret may be: whatever memory it gives back is zeroed first, also when it grows.
#pragma once

#include <openssl/crypto.h>

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace cleanerd {

template <class T>
class WipingAllocator {
 public:
  using value_type = T;

  WipingAllocator() = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, std::size_t count) noexcept {
    OPENSSL_cleanse(memory, count * sizeof(T));
    std::allocator<T>().deallocate(memory, count);
  }
  friend bool operator==(const WipingAllocator&, const WipingAllocator&) { return true; }
};

using SecretBytes = std::vector<char, WipingAllocator<char>>;

// Valid as long as the bytes are, and unchanged.
inline std::string_view view_of(const SecretBytes& bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace cleanerd
