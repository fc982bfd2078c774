// Memory for plaintext: locked, left out of core dumps, wiped before it is given back.
#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <string_view>
#include <vector>

namespace cleanerd::match {

// nullptr when there is no memory. Aligned to 64. Each block is pages of its own.
void* secure_allocate(std::size_t size) noexcept;
void secure_free(void* block) noexcept;

// False once the kernel refused to lock a block (RLIMIT_MEMLOCK): the process still works, and says so.
bool all_secure_memory_is_locked() noexcept;

template <class T>
struct SecureAllocator {
  using value_type = T;
  SecureAllocator() = default;
  template <class U>
  SecureAllocator(const SecureAllocator<U>&) noexcept {}
  T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc();
    if (void* block = secure_allocate(count * sizeof(T))) return static_cast<T*>(block);
    throw std::bad_alloc();
  }
  void deallocate(T* block, std::size_t) noexcept { secure_free(block); }
  friend bool operator==(const SecureAllocator&, const SecureAllocator&) { return true; }
};

using SecureBytes = std::vector<char, SecureAllocator<char>>;
inline std::string_view view(const SecureBytes& bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace cleanerd::match
