#include <nlohmann/json.hpp>

#include "report/render.hpp"

namespace cleanerd::report {
namespace {

// In the order of the contract.
using Json = nlohmann::ordered_json;

Json object_json(const ObjectRow& row) {
  Json reasons = Json::array(), findings = Json::array();
  for (const plan::Reason& reason : row.reasons) reasons.push_back(Json{{"code", reason.code}, {"text", reason.text}});
  for (const FindingRow& finding : row.findings)
    findings.push_back(Json{{"rule", finding.rule},
                            {"source", finding.source},
                            {"location", finding.location},
                            {"masked", finding.masked},
                            {"fingerprint", finding.fingerprint},
                            {"origin", finding.origin}});
  Json out{{"id", row.id}, {"kind", row.kind}, {"engine_id", row.engine_id}, {"state", row.state}, {"size_bytes", row.size.bytes}};
  out["created_at"] = row.created ? Json(format_rfc3339(*row.created)) : Json(nullptr);
  out["build"] = row.build.empty() ? Json(nullptr) : Json(row.build);
  out["reasons"] = std::move(reasons);
  out["findings"] = std::move(findings);
  return out;
}

}  // namespace

std::string render_json(const Document& document) {
  const engine::EngineInfo& engine = document.engine;
  Json out{{"schema", "cleaner.v1"}, {"command", document.command}, {"complete", document.complete}};
  out["engine"] = Json{{"version", engine.version},
                       {"api_version", engine::to_string(engine.api)},
                       {"store", engine.store == engine::ImageStore::graphdriver ? "graphdriver" : "containerd"},
                       {"storage_driver", engine.storage_driver},
                       {"data_root", engine.data_root}};
  if (engine.version.empty())  // it was not asked
    for (const char* key : {"version", "api_version", "store", "storage_driver"}) out["engine"][key] = nullptr;
  out["objects"] = Json::array();
  for (const ObjectRow& row : document.objects) out["objects"].push_back(object_json(row));
  out["unread"] = Json::array();
  for (const inventory::Unread& place : document.unread)
    out["unread"].push_back(Json{{"place", place.place}, {"reason", place.reason}});
  const Summary& summary = document.summary;
  out["summary"] = Json{{"objects", summary.objects},
                        {"secret_objects", summary.secret_objects},
                        {"planned", summary.planned},
                        {"removed", summary.removed},
                        {"kept", summary.kept},
                        {"failed", summary.failed},
                        {"remaining_secrets", summary.remaining_secrets},
                        {"freed_bytes", summary.freed.bytes},
                        {"scanned_bytes", summary.scanned.bytes},
                        {"duration_ms", summary.duration.count()}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cleanerd::report
