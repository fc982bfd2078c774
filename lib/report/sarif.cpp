// SARIF 2.1.0, as https://docs.oasis-open.org/sarif/sarif/v2.1.0/ has it; the sections named here are that document's.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "report/render.hpp"

namespace cleanerd::report {
namespace {

using Json = nlohmann::ordered_json;

struct Rule {
  std::string_view id, description;
};

constexpr Rule kRules[] = {
    {"secret-name", "A value whose name says that it is a secret"},
    {"secret-step", "A build step that uses a secret, whose value the host does not tell"},
    {"known-value", "A value that is known to be a secret, in another place"},
    {"url-password", "A password in a URL"},
};

std::string description_of(std::string_view rule) {
  const auto known = std::ranges::find(kRules, rule, &Rule::id);
  return known != std::end(kRules) ? std::string(known->description) : "A secret that rule " + std::string(rule) + " finds";
}

// Viewers take {0} for a placeholder (3.11.5) and [text](target) for a link (3.11.6). Names that an image brings along must
// make neither.
Json message(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '{' || c == '}') out += c;
    if (c == '(' && out.ends_with(']')) out += ' ';
    out += c;
  }
  return Json{{"text", std::move(out)}};
}

// A path inside an object as a relative reference (RFC 3986, 4.2); as an absolute one it would name a file of the reader's.
std::string uri_of(std::string_view path) {
  constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  std::string out;
  for (const char c : path) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

bool names_a_file(const FindingRow& finding) { return finding.source == "path" || finding.source == "content"; }

Json location_json(const ObjectRow& row, const FindingRow& finding) {
  Json out = Json::object();
  if (names_a_file(finding)) out["physicalLocation"]["artifactLocation"]["uri"] = uri_of(finding.location.substr(0, finding.location.rfind(", byte ")));
  out["logicalLocations"] = Json::array({Json{{"fullyQualifiedName", row.id}, {"kind", row.kind}}});
  return out;
}

std::string sentence(const ObjectRow& row, const FindingRow& finding) {
  std::string out = finding.origin + "; found in " + finding.location;
  if (!finding.masked.empty()) out += ": " + finding.masked;
  return out + " (" + row.state + ")";
}

Json result_json(const ObjectRow& row, const FindingRow& finding, std::size_t rule) {
  // An error is what the exit status tells of, too: a secret that is on the host.
  Json out{{"ruleId", finding.rule}, {"ruleIndex", rule}, {"level", row.state == "removed" ? "note" : "error"}};
  out["message"] = message(sentence(row, finding));
  out["locations"] = Json::array({location_json(row, finding)});
  if (!finding.fingerprint.empty()) out["partialFingerprints"] = Json{{"cleanerd/v1", finding.fingerprint}};
  out["properties"] = Json{{"state", row.state}, {"kind", row.kind}, {"masked", finding.masked}};
  return out;
}

Json invocation_json(const Document& document) {
  Json notifications = Json::array();
  const auto tell = [&](std::string_view text) { notifications.push_back(Json{{"level", "error"}, {"message", message(text)}}); };
  for (const inventory::Unread& place : document.unread) tell(place.place + " could not be looked at: " + place.reason);
  for (const ObjectRow& row : document.objects)
    if (row.state == "failed") tell(row.id + " could not be removed: " + row.reasons.back().text);
  const bool successful = notifications.empty();
  return Json{{"executionSuccessful", successful}, {"toolExecutionNotifications", std::move(notifications)}};
}

}  // namespace

std::string render_sarif(const Document& document) {
  std::vector<std::string> ids;
  Json rules = Json::array(), results = Json::array();
  for (const ObjectRow& row : document.objects)
    for (const FindingRow& finding : row.findings) {
      const auto index = static_cast<std::size_t>(std::ranges::find(ids, finding.rule) - ids.begin());
      if (index == ids.size()) {
        ids.push_back(finding.rule);
        rules.push_back(Json{{"id", finding.rule}, {"shortDescription", Json{{"text", description_of(finding.rule)}}}});
      }
      results.push_back(result_json(row, finding, index));
    }
  Json run = Json::object();
  run["tool"]["driver"] = Json{{"name", "cleanerd"}, {"version", CLEANERD_VERSION}, {"rules", std::move(rules)}};
  run["invocations"] = Json::array({invocation_json(document)});
  run["results"] = std::move(results);
  const Json out{{"$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"},
                 {"version", "2.1.0"},
                 {"runs", Json::array({std::move(run)})}};
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cleanerd::report
