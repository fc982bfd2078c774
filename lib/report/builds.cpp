#include "report/builds.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "report/document.hpp"

namespace cleanerd::report {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kRef = 27, kState = 11, kStarted = 26, kDuration = 10, kSecret = 8;

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

Json row_json(const BuildRow& row) {
  const auto text = [](const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); };
  const auto time = [](const std::optional<Instant>& value) { return value ? Json(format_rfc3339(*value)) : Json(nullptr); };
  return Json{{"ref", row.ref}, {"name", text(row.name)}, {"target", text(row.target)}, {"state", row.state}, {"started_at", time(row.started)},
              {"completed_at", time(row.completed)}, {"duration_ms", row.duration.count()}, {"secret", row.secret}};
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

std::string build_header() {
  return cell("BUILD", kRef) + cell("STATE", kState) + cell("STARTED", kStarted) + cell("DURATION", kDuration) + cell("SECRET", kSecret) + "NAME\n";
}

std::string render_line(const BuildRow& row) {
  std::string line = cell(row.ref, kRef) + cell(row.state, kState) + cell(row.started ? format_rfc3339(*row.started) : "-", kStarted) +
                     cell(row.started ? short_duration(row.duration) : "-", kDuration) + cell(row.secret ? "yes" : "-", kSecret) + row.name;
  if (!row.target.empty()) line += " (stage " + row.target + ")";
  while (line.ends_with(' ')) line.pop_back();
  return line + "\n";
}

std::string render_table(const Builds& builds) {
  std::string out;
  for (const BuildRow& row : builds.rows) out += render_line(row);
  out = out.empty() ? "No build is known to this engine.\n" : build_header() + out;
  for (const inventory::Unread& place : builds.unread) out += "Not looked at: " + place.place + ": " + printable(place.reason) + "\n";
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
