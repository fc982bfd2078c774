// BuildKit's builds as `cleanerctl builds` tells them, with every text already fit to leave.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "purge/audit.hpp"
#include "purge/look.hpp"
#include "secrets/names.hpp"

namespace cleanerd::report {

// What became of what a build left, its record included.
struct Residue {
  std::size_t objects = 0, secret_objects = 0;  // still there; a tagged image counts where it carries a secret
  std::vector<plan::Reason> kept;               // why those with a secret stay, each reason once
  std::size_t removed = 0;
  std::string removed_at;             // RFC 3339, of the last removal; empty: none
  std::vector<std::string> policies;  // that removed it
};

struct BuildRow {
  std::string ref;
  std::string name;    // of the image it was to make; empty where it was to have none
  std::string target;  // the stage, empty for the last
  std::string state;   // running, completed, failed; removed: the journal alone knows it. Of an event also lost
  std::optional<Instant> started;
  std::optional<Instant> completed;
  Duration duration{0};  // so far, where it runs
  bool secret = false;   // its record carries one; of an event: names one, contents are not searched for that
  std::optional<Residue> residue{};  // not of an event
};

BuildRow make_build_row(const engine::BuildRecord& record, const secrets::NameRules& names, Instant now);

struct Builds {
  engine::EngineInfo engine;
  std::vector<BuildRow> rows;  // newest first
  std::vector<inventory::Unread> unread;
};

// The builds on record, as the look saw them, then those that only `removals` tell of, the newest 100 of them. `removals`: of the journal.
std::vector<BuildRow> make_build_rows(const purge::Look& look, const secrets::NameRules& names, std::span<const purge::AuditEntry> removals);
std::vector<BuildRow> make_build_rows(std::span<const purge::AuditEntry> removals);

std::string render_table(const Builds& builds);
std::string render_json(const Builds& builds);
// One line each, as they come: columns of fixed width, or a JSON object that says what happened ("event") and when ("time").
std::string render_line(const BuildRow& row);
std::string render_json_line(const BuildRow& row, Instant time);
std::string build_header();  // of such lines

}  // namespace cleanerd::report
