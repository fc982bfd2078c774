#include "match/secure_memory.hpp"

#include <openssl/crypto.h>
#include <sys/mman.h>

#include <atomic>
#include <cstring>

namespace cleanerd::match {
namespace {

constexpr std::size_t kHeader = 64;
std::atomic<bool> all_locked{true};

}  // namespace

void* secure_allocate(std::size_t size) noexcept {
  if (size > std::numeric_limits<std::size_t>::max() - kHeader) return nullptr;
  const std::size_t total = size + kHeader;
  void* block = mmap(nullptr, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return nullptr;
  if (mlock(block, total) != 0) all_locked = false;
  madvise(block, total, MADV_DONTDUMP);
  std::memcpy(block, &total, sizeof total);
  return static_cast<char*>(block) + kHeader;
}

void secure_free(void* block) noexcept {
  if (block == nullptr) return;
  char* const start = static_cast<char*>(block) - kHeader;
  std::size_t total = 0;
  std::memcpy(&total, start, sizeof total);
  OPENSSL_cleanse(start, total);
  munmap(start, total);
}

bool all_secure_memory_is_locked() noexcept { return all_locked; }

}  // namespace cleanerd::match
