// A document as text: the table for people, the contract's JSON (schema "cleaner.v1", docs/cleaner.v1.schema.json) for machines,
// SARIF for viewers of code scanning, a page for people far from the host.
#pragma once

#include <span>
#include <string>

#include "purge/audit.hpp"
#include "report/document.hpp"
#include "report/format.hpp"

namespace cleanerd::report {

enum class Colour { no, yes };
// `colour` is a table's.
std::string render(const Document& document, Format format, Colour colour);

std::string render_json(const Document& document);
// One result per finding; what stands on a secret without carrying one itself is in JSON and table only.
std::string render_sarif(const Document& document);
std::string render_table(const Document& document, Colour colour);
std::string render_html(const Document& document);

// What was done on this host, newest first.
std::string render_audit(std::span<const purge::AuditEntry> entries);
std::string render_audit_json(std::span<const purge::AuditEntry> entries);

// The whole story of one object in sentences. `id` as Inventory::find takes it, or of freed pages that the look went into. Errc::usage for
// one that names nothing, or several objects; it is not quoted.
Result<std::string> explain(const purge::Look& look, std::string_view id, const Fingerprinter& fingerprint);

}  // namespace cleanerd::report
