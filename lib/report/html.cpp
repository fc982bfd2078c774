// One page that needs nothing else: no script, no picture, no font, no link. Well-formed XML, too.
#include <algorithm>
#include <initializer_list>

#include "base/text.hpp"
#include "report/render.hpp"

namespace cleanerd::report {
namespace {

constexpr std::string_view kStyle = R"css(
:root { color-scheme: light dark; --line: #8886; --soft: #8881; --bad: #b3261e; --good: #1b6e3a; --warn: #8a5a00 }
@media (prefers-color-scheme: dark) { :root { --bad: #ffb4ab; --good: #8fd8a6; --warn: #f2c26b } }
* { box-sizing: border-box }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1.5rem 1rem 4rem }
h1 { font-size: 1.4rem; margin: 0 }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem }
p { margin: .3rem 0 }
code { font: .875em/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
.verdict { border-left: .4rem solid; background: var(--soft); padding: .7rem 1rem; margin: 1.2rem 0; font-weight: 600 }
.bad, .failed { color: var(--bad) }
.good, .removed { color: var(--good) }
.warn, .kept { color: var(--warn) }
dl { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0 }
dl div { border: 1px solid var(--line); border-radius: .4rem; padding: .4rem .8rem; min-width: 7rem }
dt { font-size: .8rem; opacity: .8 }
dd { margin: 0; font-size: 1.2rem; font-variant-numeric: tabular-nums }
article { border: 1px solid var(--line); border-radius: .4rem; padding: .8rem 1rem; margin: .8rem 0; break-inside: avoid }
article h3 { font-size: 1rem; margin: 0 0 .3rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .6rem 0 }
caption { text-align: left; font-size: .8rem; opacity: .8 }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line) }
article td code { white-space: nowrap }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }
summary { cursor: pointer; padding: .4rem 0 }
footer { margin-top: 3rem; font-size: .8rem; opacity: .8 }
@media print { body { max-width: none; padding: 0 } }
)css";

// A text of the engine's as it may stand between tags and in attributes. Control characters and what is no UTF-8 become \xNN.
std::string escape(std::string_view text) {
  std::string out;
  for (const char c : printable(text, 100'000)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string element(std::string_view name, const std::string& content, std::string_view style = {}) {
  std::string out = "<" + std::string(name);
  if (!style.empty()) out += " class=\"" + std::string(style) + "\"";
  return out + ">" + content + "</" + std::string(name) + ">";
}

std::string code(std::string_view text) { return element("code", escape(text)); }

std::string table(std::string_view caption, std::initializer_list<std::string_view> columns, const std::string& rows) {
  std::string head;
  for (const std::string_view column : columns) head += "<th scope=\"col\">" + escape(column) + "</th>";
  return "<div class=\"scroll\">" +
         element("table", element("caption", escape(caption)) + element("thead", element("tr", head)) + "\n" + element("tbody", rows)) + "</div>\n";
}

struct Verdict {
  std::string_view style;
  std::string text;
};

std::size_t count(const Document& document, auto test) { return static_cast<std::size_t>(std::ranges::count_if(document.objects, test)); }

// A scrub tells of databases: what it has not zeroed is still there.
Verdict verdict_of_scrub(const Document& document) {
  const std::size_t left = count(document, [](const ObjectRow& row) { return row.secret && row.state != "removed"; });
  if (left != 0) return {"bad", "Secrets are left in free pages of " + plural(left, "database") + "."};
  const std::size_t untouched = document.summary.planned - std::min(document.summary.planned, document.summary.removed);
  if (untouched != 0) return {"warn", plural(untouched, "database") + " with old bytes in free pages; no secret is known or recognised in them."};
  return {"good", plural(document.summary.removed, "database") + " of " + std::to_string(document.summary.objects) + " cleared of old bytes."};
}

Verdict verdict_of_what_was_looked_at(const Document& document) {
  const Summary& summary = document.summary;
  if (document.command == "scrub") return verdict_of_scrub(document);
  const bool looks = document.command == "scan" || document.command == "plan" || document.command == "verify" || document.command == "gate";
  if (looks && summary.secret_objects != 0) return {"bad", "Secrets found in " + std::to_string(summary.secret_objects) + " of " + plural(summary.objects, "object") + "."};
  if (!looks && summary.remaining_secrets != 0) return {"bad", "Secrets are left in " + plural(summary.remaining_secrets, "object") + "."};
  const std::size_t freed = count(document, [](const ObjectRow& row) { return row.kind == inventory::kFreedPages && row.secret; });
  if (freed != 0) return {"warn", "Freed pages of " + plural(freed, "database") + " hold some of it: stop the engine, then cleanerctl scrub clears them."};
  if (summary.removed != 0) return {"good", plural(summary.removed, "object") + " removed, looked for again and not found. No secret is left."};
  return {"good", "No secret found in " + plural(summary.objects, "object") + "."};
}

// Nothing is good over a failure or a blind spot.
Verdict verdict_of(const Document& document) {
  Verdict verdict = verdict_of_what_was_looked_at(document);
  const bool good = verdict.style == "good";
  if (!document.complete) {
    constexpr std::string_view kBlind = "Not everything could be looked at, so this does not say that the host is clean.";
    verdict = {good ? "warn" : verdict.style, good ? std::string(kBlind) : verdict.text + " " + std::string(kBlind)};
  }
  if (document.summary.failed != 0) {
    const std::string failed = plural(document.summary.failed, "object") + " could not be removed.";
    verdict = {"bad", good && document.complete ? failed : failed + " " + verdict.text};
  }
  return verdict;
}

std::string engine_line(const engine::EngineInfo& engine) {
  if (engine.version.empty()) return "Data root " + code(engine.data_root);
  return "Docker Engine " + escape(engine.version) + ", API " + escape(engine::to_string(engine.api)) + ", " +
         (engine.store == engine::ImageStore::graphdriver ? "graphdriver " : "containerd ") + escape(engine.storage_driver) + ", data root " + code(engine.data_root);
}

std::string figures(const Summary& summary) {
  std::string out;
  const auto add = [&](std::string_view name, const std::string& value) {
    out += element("div", element("dt", std::string(name)) + element("dd", escape(value)));
  };
  add("Objects", std::to_string(summary.objects));
  add("With a secret", std::to_string(summary.secret_objects));
  add("To be removed", std::to_string(summary.planned));
  add("Removed", std::to_string(summary.removed));
  add("Kept", std::to_string(summary.kept));
  add("Failed", std::to_string(summary.failed));
  add("Secrets left", std::to_string(summary.remaining_secrets));
  add("Freed", to_string(summary.freed));
  add("Searched", to_string(summary.scanned));
  add("Took", format_duration(summary.duration));
  return element("dl", out) + "\n";
}

std::string unread_section(const std::vector<inventory::Unread>& unread) {
  if (unread.empty()) return {};
  std::string rows;
  for (const inventory::Unread& place : unread)
    rows += element("tr", element("td", code(place.place)) + element("td", escape(place.reason))) + "\n";
  return element("h2", "Not looked at") + "\n" + table("These places may hold anything.", {"Place", "Why"}, rows);
}

std::string age_of(const ObjectRow& row, Instant taken) { return row.created ? format_age(taken - *row.created) : "unknown"; }

std::string findings_table(const ObjectRow& row) {
  if (row.findings.empty()) return {};
  std::string rows;
  for (const FindingRow& finding : row.findings)
    rows += element("tr", element("td", code(finding.rule)) + element("td", escape(finding.origin)) + element("td", escape(finding.source) + ": " + escape(finding.location)) +
                              element("td", code(finding.masked)) + element("td", code(finding.fingerprint))) + "\n";
  return table(plural(row.findings.size(), "finding"), {"Rule", "Secret", "Where", "Masked", "Fingerprint"}, rows);
}

// The whole of an object that carries a secret or is touched.
std::string card(const ObjectRow& row, Instant taken) {
  std::string out = element("h3", element("span", escape(row.state), row.state) + " · " + escape(row.kind) + (row.name.empty() ? "" : " · " + escape(row.name)));
  out += element("p", code(row.id)) + "\n";
  std::string facts = to_string(row.size) + ", " + age_of(row, taken) + " old";
  if (!row.build.empty()) facts += ", of build " + row.build;
  if (!row.policy.empty()) facts += ", by policy " + row.policy;
  out += element("p", escape(facts)) + "\n";
  for (const plan::Reason& reason : row.reasons) out += element("p", escape("It " + reason.text + ".") + " " + code(reason.code)) + "\n";
  return element("article", out + findings_table(row)) + "\n";
}

bool is_of_interest(const ObjectRow& row) { return row.secret || row.state == "planned" || row.state == "removed" || row.state == "failed"; }

std::string cards(const Document& document) {
  std::string out;
  for (const std::string_view state : {"failed", "kept", "found", "planned", "removed"})
    for (const ObjectRow& row : document.objects)
      if (row.state == state && is_of_interest(row)) out += card(row, document.taken);
  return out.empty() ? out : element("h2", "Objects with a secret, and what was done with them") + "\n" + out;
}

std::string others(const Document& document) {
  std::string rows;
  std::size_t count = 0;
  for (const ObjectRow& row : document.objects) {
    if (is_of_interest(row)) continue;
    ++count;
    rows += element("tr", element("td", code(row.id) + (row.name.empty() ? "" : " " + escape(row.name))) + element("td", escape(to_string(row.size)), "number") +
                              element("td", escape(age_of(row, document.taken))) + element("td", row.reasons.empty() ? "" : escape(row.reasons.back().text))) + "\n";
  }
  if (count == 0) return {};
  return element("h2", "Everything else") + "\n" +
         element("details", element("summary", plural(count, "object") + " without a secret, left alone") + "\n" +
                                table("By kind, the oldest first", {"Object", "Size", "Age", "Why it stays"}, rows)) + "\n";
}

}  // namespace

std::string render_html(const Document& document) {
  const std::string title = "cleanerctl " + document.command;
  const Verdict verdict = verdict_of(document);
  std::string head = "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\n";
  head += element("title", escape(title)) + "\n" + element("style", std::string(kStyle)) + "\n";
  std::string body = element("header", element("h1", escape(title)) + element("p", engine_line(document.engine)) +
                                           element("p", "Looked at: " + escape(format_rfc3339(document.taken)))) + "\n";
  body += "<main>" + element("p", escape(verdict.text), "verdict " + std::string(verdict.style)) + "\n";
  body += figures(document.summary) + unread_section(document.unread) + cards(document) + others(document) + "</main>\n";
  body += element("footer", element("p", "cleanerd " CLEANERD_VERSION ". A secret is shown by its first and last two characters at most; one fingerprint is one secret.")) + "\n";
  return "<!DOCTYPE html>\n<html lang=\"en\">\n" + element("head", "\n" + head) + "\n" + element("body", "\n" + body) + "\n</html>\n";
}

}  // namespace cleanerd::report
