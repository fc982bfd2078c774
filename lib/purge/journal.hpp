// The audit journal: what a purge sets out to remove is on disk before it happens, and what became of it after.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "base/result.hpp"

namespace cleanerd::purge {

enum class Settled {
  removed,
  owed,    // kept for now (busy, in use, failed); the next purge tries again
  closed,  // kept for good (a policy or a tag protects it)
};

struct Settlement {
  std::string object_id;  // "<kind>:<engine id>"
  Settled how;
  std::string reason;
};

// What made a purge run: a trigger's name, and who asked ("uid 0"); empty: this process's user.
struct Cause {
  std::string trigger;
  std::string actor;
};

struct Planned {
  std::string id;      // "<kind>:<engine id>"
  std::string policy;  // the name of the one that decided
  std::string builds{};  // references of those that left it, where that is known; a blank between two
};

// For one service: what another finds open there it takes for lost. As long as the result lives. Creates the directory (0700) if absent;
// works where it cannot be written. Errc::conflict while another has it, Errc::io when it cannot be made or opened.
Result<Descriptor> claim_state_directory(const std::string& state_dir);

// One SQLite database in the state directory, one writer at a time (a lock held while this lives).
class Journal {
 public:
  // Creates the directory (0700) and the database if absent. Errc::conflict while another purge holds it, Errc::io when it
  // cannot be written or is no journal.
  static Result<Journal> open(const std::string& state_dir);

  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();

  // Objects that an earlier purge of this engine set out to remove and that were never settled, or are owed.
  Result<std::vector<std::string>> unfinished(const std::string& engine_id) const;

  // One transaction, synced to disk before it returns.
  Result<std::int64_t> begin(const std::string& engine_id, const Cause& cause, std::span<const Planned> objects);
  Status settle(std::int64_t run, std::span<const Settlement> settlements);
  // Settles what earlier runs left open for these objects, too.
  Status end(std::int64_t run);

 private:
  struct Impl;
  explicit Journal(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// <state_dir>/journal.db can be looked into without the right to purge: the unfinished objects, none when it is not readable.
std::vector<std::string> read_unfinished(const std::string& state_dir, const std::string& engine_id);

}  // namespace cleanerd::purge
