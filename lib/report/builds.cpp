#include "report/builds.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/text.hpp"
#include "plan/left_by.hpp"
#include "report/document.hpp"

namespace cleanerd::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kRef = 27, kState = 11, kStarted = 26, kDuration = 10, kSecret = 8, kLeft = 17, kRemoved = 26;
constexpr std::size_t kMostGone = 100;

std::string cell(std::string text, std::size_t width) {
  text.resize(std::max(text.size() + 1, width), ' ');
  return text;
}

std::string attribute(const engine::BuildRecord& record, const char* name) {
  const auto found = record.attributes.find(name);
  return found == record.attributes.end() ? std::string() : found->second;
}

std::string short_duration(Duration duration) {
  const auto tenths = duration.count() / 100;
  if (tenths < 600) return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "s";
  const auto seconds = duration.count() / 1000;
  if (seconds < 3600) return std::to_string(seconds / 60) + "m" + std::to_string(seconds % 60) + "s";
  return std::to_string(seconds / 3600) + "h" + std::to_string(seconds / 60 % 60) + "m";
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

std::string left_cell(const Residue& residue) {
  if (residue.objects == 0) return "-";
  return std::to_string(residue.objects) + (residue.secret_objects == 0 ? std::string() : " (" + std::to_string(residue.secret_objects) + " secret)");
}

std::string removed_cell(const Residue& residue) {
  return residue.removed == 0 ? "-" : std::to_string(residue.removed) + ", " + residue.removed_at.substr(0, 19) + "Z";
}

// What needs room: after the name.
std::string story(const Residue& residue) {
  std::string out;
  if (!residue.policies.empty()) out += "; removed by policy " + joined(residue.policies);
  std::vector<std::string> why;
  for (const plan::Reason& reason : residue.kept) why.push_back(reason.text);
  if (!why.empty()) out += "; a secret stays: " + joined(why);
  return out;
}

Json residue_json(const Residue& residue) {
  Json kept = Json::array();
  for (const plan::Reason& reason : residue.kept) kept.push_back(Json{{"code", reason.code}, {"text", reason.text}});
  return Json{{"objects", residue.objects}, {"secret_objects", residue.secret_objects}, {"kept", kept}, {"removed", residue.removed},
              {"removed_at", residue.removed_at.empty() ? Json(nullptr) : Json(residue.removed_at)}, {"policies", residue.policies}};
}

// A line's beginning, which a row of the list and one of --follow share.
std::string first_columns() {
  return cell("BUILD", kRef) + cell("STATE", kState) + cell("STARTED", kStarted) + cell("DURATION", kDuration) + cell("SECRET", kSecret);
}

std::string residue_header() { return first_columns() + cell("LEFT", kLeft) + cell("REMOVED", kRemoved) + "NAME\n"; }

template <class T, class Same>
void add_once(std::vector<T>& all, T one, const Same& same) {
  if (std::ranges::none_of(all, [&](const T& other) { return same(other, one); })) all.push_back(std::move(one));
}

// What the journal tells of each build.
std::map<std::string, Residue> removed_of_builds(std::span<const purge::AuditEntry> removals) {
  std::map<std::string, Residue> all;
  for (const purge::AuditEntry& entry : removals) {
    if (entry.kind != "removal" || entry.outcome != "removed") continue;
    // A record that an older cleanerd removed names its build by itself.
    constexpr std::string_view kRecord = "history.record:";
    std::istringstream builds(entry.builds.empty() && entry.subject.starts_with(kRecord) ? entry.subject.substr(kRecord.size()) : entry.builds);
    for (std::string build; builds >> build;) {
      Residue& residue = all[build];
      ++residue.removed;
      residue.removed_at = std::max(residue.removed_at, entry.settled.empty() ? entry.time : entry.settled);
      if (!entry.policy.empty()) add_once(residue.policies, entry.policy, std::equal_to<>());
    }
  }
  return all;
}

// What the look found of each build.
void add_what_is_left(const purge::Look& look, std::map<std::string, Residue>& all) {
  for (const plan::Item& item : look.plan.items) {
    const inventory::Object& object = look.inventory[item.object];
    if (object.kind == inventory::Kind::container_running || (object.kind == inventory::Kind::image_tagged && !item.secret)) continue;
    for (const std::string& build : plan::left_by(object, item.secret)) {
      Residue& residue = all[build];
      ++residue.objects;
      residue.secret_objects += item.secret;
      if (!item.secret || item.verdict == plan::Verdict::remove) continue;
      const plan::Reason& last = item.reasons.back();
      add_once(residue.kept, plan::Reason{last.code, look.findings.known.redact(last.text)}, [](const auto& a, const auto& b) { return a.code == b.code; });
    }
  }
}

Json row_json(const BuildRow& row) {
  const auto text = [](const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); };
  const auto time = [](const std::optional<Instant>& value) { return value ? Json(format_rfc3339(*value)) : Json(nullptr); };
  Json out{{"ref", row.ref}, {"name", text(row.name)}, {"target", text(row.target)}, {"state", row.state}, {"started_at", time(row.started)},
              {"completed_at", time(row.completed)}, {"duration_ms", row.duration.count()}, {"secret", row.secret}};
  if (row.residue) out["residue"] = residue_json(*row.residue);
  return out;
}

}  // namespace

BuildRow make_build_row(const engine::BuildRecord& record, const secrets::NameRules& names, Instant now) {
  inventory::Snapshot alone;
  alone.builds.push_back(record);
  const inventory::Inventory inventory(std::move(alone));
  const auto findings = secrets::find_by_name(inventory, names, {});
  const auto told = [&](const std::string& text) { return printable(redact(text, findings), 200); };
  BuildRow row{printable(record.ref.str(), 200), {}, told(attribute(record, "target")), {}, record.created, record.completed};
  for (const std::string& name : record.image_names) row.name += (row.name.empty() ? "" : ",") + name;
  row.name = told(row.name);
  row.state = record.running ? "running" : record.failed ? "failed" : "completed";
  if (record.created) row.duration = std::max(Duration(0), record.completed.value_or(record.running ? now : *record.created) - *record.created);
  row.secret = findings.carries(0);
  return row;
}

std::vector<BuildRow> make_build_rows(std::span<const purge::AuditEntry> removals) {
  std::vector<BuildRow> rows;
  for (auto& [ref, residue] : removed_of_builds(removals)) {
    BuildRow row{printable(ref, 200), {}, {}, "removed", {}, {}};
    row.residue = std::move(residue);
    rows.push_back(std::move(row));
  }
  std::ranges::sort(rows, std::greater(), [](const BuildRow& row) { return row.residue->removed_at; });
  if (rows.size() > kMostGone) rows.resize(kMostGone);
  return rows;
}

std::vector<BuildRow> make_build_rows(const purge::Look& look, const secrets::NameRules& names, std::span<const purge::AuditEntry> removals) {
  auto residue = removed_of_builds(removals);
  add_what_is_left(look, residue);
  std::vector<BuildRow> rows;
  for (const plan::Item& item : look.plan.items) {
    const engine::BuildRecord* record = look.inventory[item.object].build();
    if (!record) continue;
    BuildRow& row = rows.emplace_back(make_build_row(*record, names, look.inventory.taken()));
    for (std::string* text : {&row.name, &row.target}) *text = look.findings.known.redact(*text);
    row.secret = item.secret;
    row.residue = std::move(residue[record->ref.str()]);
  }
  std::set<std::string> on_record;
  for (const BuildRow& row : rows) on_record.insert(row.ref);
  for (BuildRow& gone : make_build_rows(removals))
    if (!on_record.contains(gone.ref)) rows.push_back(std::move(gone));
  std::ranges::stable_sort(rows, std::greater(), [](const BuildRow& row) { return row.started ? format_rfc3339(*row.started) : row.residue->removed_at; });
  return rows;
}

std::string build_header() { return first_columns() + "NAME\n"; }

std::string render_line(const BuildRow& row) {
  std::string line = cell(row.ref, kRef) + cell(row.state, kState) + cell(row.started ? format_rfc3339(*row.started) : "-", kStarted) +
                     cell(row.started ? short_duration(row.duration) : "-", kDuration) + cell(row.secret ? "yes" : "-", kSecret);
  if (row.residue) line += cell(left_cell(*row.residue), kLeft) + cell(removed_cell(*row.residue), kRemoved);
  line += row.name.empty() && row.residue ? "-" : row.name;
  if (!row.target.empty()) line += " (stage " + row.target + ")";
  if (row.residue) line += story(*row.residue);
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

std::string render_table(const Builds& builds) {
  std::string out;
  for (const BuildRow& row : builds.rows) out += render_line(row);
  out = out.empty() ? "No build is known to this engine.\n" : residue_header() + out;
  for (const inventory::Unread& place : builds.unread) out += "Not looked at: " + printable(place.place, 120) + ": " + printable(place.reason) + "\n";
  return out;
}

std::string render_json(const Builds& builds) {
  const engine::EngineInfo& engine = builds.engine;
  Json out{{"schema", "cleaner.v1"}, {"command", "builds"}, {"complete", builds.unread.empty()}};
  out["engine"] = Json{{"version", engine.version},
                       {"api_version", engine::to_string(engine.api)},
                       {"store", engine.store == engine::ImageStore::graphdriver ? "graphdriver" : "containerd"},
                       {"storage_driver", engine.storage_driver},
                       {"data_root", engine.data_root}};
  out["builds"] = Json::array();
  for (const BuildRow& row : builds.rows) out["builds"].push_back(row_json(row));
  out["unread"] = Json::array();
  for (const inventory::Unread& place : builds.unread) out["unread"].push_back(Json{{"place", place.place}, {"reason", place.reason}});
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string render_json_line(const BuildRow& row, Instant time) {
  Json out{{"time", format_rfc3339(time)}, {"event", row.state == "running" ? "started" : row.state}};
  out.update(row_json(row));
  return out.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cleanerd::report
