#include <algorithm>

#include "base/text.hpp"
#include "report/document.hpp"
#include "report/rows.hpp"

namespace cleanerd::report {
namespace {

using State = purge::FreedPages::State;

std::string told(const purge::FreedPages& pages) {
  std::string text = std::to_string(pages.free_pages) + " of " + plural(static_cast<std::size_t>(pages.pages), "page") + " free, ";
  return text + (pages.old_pages == 0 ? std::string("none") : std::to_string(pages.old_pages)) + " with old bytes";
}

}  // namespace

ObjectRow freed_row(const purge::FreedPages& pages, const secrets::ValueSet& known, const Fingerprinter& fingerprint) {
  ObjectRow row;
  row.id = pages.id();
  row.kind = inventory::kFreedPages;
  row.engine_id = pages.database;
  row.state = "found";
  row.size = pages.old_bytes;
  row.secret = !pages.findings.empty();
  if (row.secret) row.reasons.push_back({"secret", "carries " + plural(pages.findings.size(), "secret finding")});
  for (const secrets::Finding& finding : pages.findings) row.findings.push_back(finding_row(finding, known, fingerprint));
  return row;
}

Document make_document(const purge::Scrubbed& scrubbed, const std::vector<inventory::Unread>& also_unread, const Fingerprinter& fingerprint,
                       Duration took) {
  Document document;
  document.command = "scrub";
  document.engine.data_root = scrubbed.data_root;
  document.taken = system_now();
  document.summary.scanned = scrubbed.scanned;
  document.summary.duration = took;
  for (const purge::FreedPages& pages : scrubbed.databases) {
    ObjectRow row = freed_row(pages, scrubbed.known, fingerprint);
    switch (pages.state) {
      case State::clean: row.state = "kept", row.reasons.push_back({"clean", told(pages)}); break;
      case State::found: row.state = "planned", row.reasons.push_back({"old-bytes", told(pages)}); break;
      case State::scrubbed: row.state = "removed", row.reasons.push_back({"scrubbed", told(pages) + ": zeroed"}); break;
      case State::failed: row.state = "failed", row.reasons.push_back({"error", scrubbed.known.redact(pages.failure)}); break;
    }
    Summary& summary = document.summary;
    ++summary.objects;
    summary.secret_objects += row.secret;
    summary.planned += pages.state != State::clean;
    summary.removed += pages.state == State::scrubbed;
    summary.kept += pages.state == State::clean;
    summary.failed += pages.state == State::failed;
    summary.remaining_secrets += row.secret && pages.state != State::scrubbed;
    if (pages.state == State::scrubbed) summary.freed += pages.old_bytes;
    document.objects.push_back(std::move(row));
  }
  for (const auto* places : {&scrubbed.unread, &also_unread})
    for (const inventory::Unread& place : *places) document.unread.push_back({place.place, scrubbed.known.redact(place.reason)});
  document.complete = document.unread.empty();
  put_in_order(document.objects);
  return document;
}

}  // namespace cleanerd::report
