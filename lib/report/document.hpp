// The result of a command as plain values, with every text already fit to leave: redacted and printable.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/secret_value.hpp"
#include "purge/freed.hpp"
#include "purge/purge.hpp"

namespace cleanerd::report {

struct FindingRow {
  std::string rule, source, location, masked, fingerprint, origin;
};

struct ObjectRow {
  std::string id, kind, engine_id;
  std::string build;  // the build that left it, where that is known
  std::string name;   // for people: a tag, a container's name
  std::string state;  // found, planned, kept, removed, failed
  ByteSize size;
  std::optional<Instant> created;
  bool secret = false;
  std::string policy;  // the name of the one that decided; empty: none did
  std::vector<plan::Reason> reasons;
  std::vector<FindingRow> findings;
};

struct Summary {
  std::size_t objects = 0, secret_objects = 0, planned = 0, removed = 0, kept = 0, failed = 0, remaining_secrets = 0;
  ByteSize freed, scanned;
  Duration duration{0};
};

struct Document {
  std::string command;
  bool complete = true;  // false: a place could not be looked at
  bool lists_all = false;  // a table shows what carries no secret, too
  engine::EngineInfo engine;
  Instant taken;
  std::vector<ObjectRow> objects;
  std::vector<inventory::Unread> unread;
  Summary summary;
};

enum class Command { scan, plan, purge, verify, gate };

// Innocents are most of a host.
enum class Tell { all, no_innocents };

// `report` for a purge that was carried out, nullptr otherwise. Running containers are no residue and left out; of a scan and a verify, so is
// what the filter does not select.
Document make_document(Command command, const purge::Look& look, const purge::Report* report,
                       const std::vector<inventory::Unread>& also_unread, const Fingerprinter& fingerprint, Duration took, Tell tell = Tell::all);

// Of a scrub, or its dry run. The engine is stopped: of it only the data root is known.
Document make_document(const purge::Scrubbed& scrubbed, const std::vector<inventory::Unread>& also_unread, const Fingerprinter& fingerprint,
                       Duration took);

// The one order of every output: what carries a secret first, then by kind as the contract lists them, then the oldest (what has no time
// last), then by id.
void put_in_order(std::vector<ObjectRow>& rows);

// What is left of a text of the engine's after known values, assigned values of secret names, passwords in URLs and long
// random words are masked.
std::string redact(std::string_view text, const secrets::Findings& findings);

}  // namespace cleanerd::report
