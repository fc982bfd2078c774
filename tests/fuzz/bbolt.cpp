// Any bytes as a bbolt file: every walk must end, with a value or an Error.
#include "unit/storage/bbolt_support.hpp"
#include "unit/storage/mend_meta.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string file(reinterpret_cast<const char*>(data), size);
  cleanerd::storage::test::mend_metas(file);
  cleanerd::storage::test::use_all(cleanerd::storage::test::bolt_of(file));
  return 0;
}
