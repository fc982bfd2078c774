// The freed pages of the engine's databases (kind `database.freed`): searched beside an engine that runs; searched, zeroed and looked
// at again where it is stopped.
#pragma once

#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "purge/journal.hpp"
#include "scrub/databases.hpp"
#include "search/search.hpp"
#include "secrets/findings.hpp"

namespace cleanerd::purge {

struct FreedPages {
  enum class State { clean, found, scrubbed, failed };

  std::string database;  // the path from the data root, or the whole path outside
  State state = State::clean;
  std::uint64_t pages = 0, free_pages = 0, old_pages = 0;
  ByteSize old_bytes;
  std::vector<secrets::Finding> findings;  // in them, before they were zeroed
  std::string failure;

  std::string id() const { return "database.freed:" + database; }
};

struct Scrubbed {
  std::string data_root;
  std::vector<FreedPages> databases;
  std::vector<inventory::Unread> unread;  // left byte for byte as they are
  secrets::ValueSet known;
  ByteSize scanned;
};

struct ScrubRequest {
  const scrub::Roots& roots;
  const std::vector<secrets::KnownValue>& declared;
  search::Opening& search;
  Journal* journal;  // nullptr: a dry run, which only reads, and does not mind an engine that runs
  std::stop_token stop;
};

// Errc::conflict where the engine runs, and nothing has been changed then. A database that cannot be read, or has no sense, is in
// `unread`. Between two databases the stop is honoured: Errc::cancelled.
Result<Scrubbed> scrub_databases(const ScrubRequest& request);

// How long nobody must have written to a database until all that its free pages hold is taken for deleted: a transaction's pages come
// some milliseconds before its commit, and seconds on a disk that is at its end.
constexpr Duration kSettled{2000};

struct FreedRequest {
  const scrub::Roots& roots;
  std::span<const secrets::KnownValue> values;
  search::Opening& search;
  Duration settled = kSettled;
  std::stop_token stop;
};

struct FreedSecrets {
  std::vector<FreedPages> databases;  // all of them; `findings` where one holds a value
  std::vector<inventory::Unread> unread;
};

// Looks for these values, and nothing else, in the freed pages of an engine that may run. Reads without a lock and changes nothing.
// What is in use by then, or about to be, is no finding; a database that changes faster than it can be read is in `unread`.
// Errc::cancelled, and ::config where the rules are wrong.
Result<FreedSecrets> find_freed(const FreedRequest& request);

}  // namespace cleanerd::purge
