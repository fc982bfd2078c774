// Any bytes as a database that is to be scrubbed: either every key and value is the same afterwards and no free byte is old, or the
// file is byte for byte what it was.
#include <cstdlib>

#include "unit/scrub/scrub_support.hpp"
#include "unit/storage/mend_meta.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cleanerd;
  std::string file(reinterpret_cast<const char*>(data), size);
  storage::test::mend_metas(file);
  const scrub::Database database = scrub::test::database_of(file);
  const auto contents = scrub::look_into(database);
  if (!contents) {
    if (scrub::test::bytes_of(database) != file) std::abort();
    return 0;
  }
  const auto before = storage::test::content(storage::test::bolt_of(file));
  if (!before || !scrub::zero_free_bytes(database, *contents)) std::abort();
  const std::string scrubbed = scrub::test::bytes_of(database);
  if (scrubbed.size() != file.size() || scrub::test::content_of(scrubbed) != *before) std::abort();
  const auto again = scrub::look_into(database);
  if (!again || again->old_bytes != 0) std::abort();
  return 0;
}
