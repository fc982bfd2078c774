// Zeroes what a bbolt database no longer means.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "scrub/databases.hpp"
#include "storage/bbolt_free.hpp"

namespace cleanerd::scrub {

struct Contents {
  storage::bbolt::FreeBytes free;
  storage::bbolt::Meta meta;     // the newest
  std::string digest;            // of every bucket, key and value, in their order
  std::uint64_t old_pages = 0;   // that hold free bytes which are not zero
  std::uint64_t old_bytes = 0;   // free bytes of these pages
};

// Also of a database that an engine has open and writes to. Errc::protocol for a file that is damaged or no bbolt database.
Result<Contents> look_into(const Database& database);

struct LastWrite {
  std::uint64_t transaction = 0;  // the newest that was committed
  Instant at;                     // of any byte of the file, also before its commit
};
Result<LastWrite> last_write(const Database& database);

// Every free byte becomes zero, and both meta pages say what the newest does. Nobody else may have the database open. Everything is
// on the disk then, and was read again: the same keys and values, no old byte. An error says that this is not so.
Status zero_free_bytes(const Database& database, const Contents& contents);

// Reads the file from its beginning with all bytes but the free ones as zeros, so that a place in it is one in the file.
std::function<std::ptrdiff_t(std::span<char>)> only_free_bytes(const Database& database, const Contents& contents);

}  // namespace cleanerd::scrub
