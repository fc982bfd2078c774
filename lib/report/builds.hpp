// BuildKit's builds as `cleanerctl builds` tells them, with every text already fit to leave.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "inventory/inventory.hpp"
#include "secrets/names.hpp"

namespace cleanerd::report {

struct BuildRow {
  std::string ref;
  std::string name;    // of the image it was to make; empty where it was to have none
  std::string target;  // the stage, empty for the last
  std::string state;   // running, completed, failed; of an event also lost, removed
  std::optional<Instant> started;
  std::optional<Instant> completed;
  Duration duration{0};  // so far, where it runs
  bool secret = false;   // its record names one: contents are not searched for this
};

BuildRow make_build_row(const engine::BuildRecord& record, const secrets::NameRules& names, Instant now);

struct Builds {
  engine::EngineInfo engine;
  std::vector<BuildRow> rows;  // newest first
  std::vector<inventory::Unread> unread;
};

std::string render_table(const Builds& builds);
std::string render_json(const Builds& builds);
// One line each, as they come: columns of fixed width, or a JSON object that says what happened ("event") and when ("time").
std::string render_line(const BuildRow& row);
std::string render_json_line(const BuildRow& row, Instant time);
std::string build_header();

}  // namespace cleanerd::report
