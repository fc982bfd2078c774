#include "base/memory.hpp"

#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

// jemalloc's, where the program is linked with it.
extern "C" [[gnu::weak]] int mallctl(const char* name, void* old_value, std::size_t* old_size, void* new_value, std::size_t new_size);

namespace cleanerd {
namespace {

void release_heap() {
  if (mallctl) mallctl("arena.0.purge", nullptr, nullptr, nullptr, 0);
  else ::malloc_trim(0);
}

// Only what is executable: that is never written to, while other private mappings of a file may hold relocations.
void release_code() {
  std::ifstream maps("/proc/self/maps");  // proc(5): from-to permissions offset device inode path
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t from = 0, to = 0;
    char permissions[5] = "";
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, permissions) != 3 || std::string(permissions) != "r-xp") continue;
    if (line.find('/') == std::string::npos) continue;
    void* const start = reinterpret_cast<void*>(from);
    ::munlock(start, to - from);  // locked pages cannot be given back; code is no secret
    ::madvise(start, to - from, MADV_DONTNEED);
  }
}

}  // namespace

void release_memory() {
  release_heap();
  release_code();
}

}  // namespace cleanerd
