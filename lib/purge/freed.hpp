// The freed pages of a stopped engine's databases (kind `database.freed`): searched, zeroed, looked at again.
#pragma once

#include <optional>
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

}  // namespace cleanerd::purge
