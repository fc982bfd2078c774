// Any bytes as a bbolt file: every walk must end, with a value or an Error. The checksums of the meta pages are mended
// first, since chance would never find them.
#include <cstdint>
#include <cstring>

#include "unit/storage/bbolt_support.hpp"

namespace {

void mend_meta(std::string& file, std::size_t at) {
  if (file.size() < at + 80) return;
  std::uint64_t hash = 14695981039346656037u;
  for (std::size_t i = at + 16; i < at + 72; ++i) hash = (hash ^ static_cast<unsigned char>(file[i])) * 1099511628211u;
  std::memcpy(file.data() + at + 72, &hash, sizeof hash);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string file(reinterpret_cast<const char*>(data), size);
  mend_meta(file, 0);
  mend_meta(file, 1024);
  mend_meta(file, 4096);
  cleanerd::storage::test::use_all(cleanerd::storage::test::bolt_of(file));
  return 0;
}
