#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "report/render.hpp"

namespace cleanerd::report {
namespace {

// For people: what the journal calls an outcome.
std::string outcome_of(const purge::AuditEntry& entry) {
  if (entry.kind != "removal") return entry.outcome;
  if (entry.outcome == "owed") return "kept for now";
  if (entry.outcome == "closed") return "kept";
  return entry.outcome == "planned" ? "not settled" : entry.outcome;
}

}  // namespace

std::string render_audit(std::span<const purge::AuditEntry> entries) {
  if (entries.empty()) return "Nothing is on the journal.\n";
  std::vector<std::array<std::string, 6>> rows{{"TIME", "WHAT", "OUTCOME", "SUBJECT", "BY", "WHY"}};
  for (const purge::AuditEntry& entry : entries) {
    const std::string by = entry.actor + (entry.cause.empty() ? "" : ", " + entry.cause);
    const std::string why = entry.reason + (entry.policy.empty() ? "" : " (policy " + entry.policy + ")");
    rows.push_back({entry.time.substr(0, 19) + "Z", entry.kind, outcome_of(entry), printable(entry.subject, 80), by, printable(why, 200)});
  }
  std::array<std::size_t, 6> widths{};
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) line += row[c] + std::string(widths[c] - row[c].size() + 2, ' ');
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
  }
  return out;
}

std::string render_audit_json(std::span<const purge::AuditEntry> entries) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const purge::AuditEntry& entry : entries)
    list.push_back({{"time", entry.time}, {"kind", entry.kind}, {"actor", entry.actor}, {"trigger", entry.cause}, {"policy", entry.policy},
                    {"object", entry.subject}, {"outcome", entry.outcome}, {"reason", entry.reason}, {"settled_at", entry.settled}});
  const nlohmann::ordered_json document{{"schema", "cleaner.v1"}, {"command", "audit"}, {"entries", list}};
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace cleanerd::report
