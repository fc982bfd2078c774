#include "report/document.hpp"

#include <algorithm>
#include <cctype>

#include "base/text.hpp"
#include "report/rows.hpp"

namespace cleanerd::report {
namespace {

using inventory::Object;

constexpr std::string_view kWordCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/=.~";

std::string_view name_of(Command command) {
  switch (command) {
    case Command::scan: return "scan";
    case Command::plan: return "plan";
    case Command::purge: return "purge";
    case Command::verify: return "verify";
  }
  return {};
}

bool is_random_word(std::string_view word) {
  if (word.size() < 16) return false;
  const auto count = [&](auto test) { return static_cast<std::size_t>(std::ranges::count_if(word, test)); };
  const std::size_t digits = count([](char c) { return c >= '0' && c <= '9'; });
  const std::size_t letters = count([](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  return digits >= 2 && letters >= 2 && !contains(word, "//");
}

// Every run of word characters that looks random becomes "****".
std::string mask_random_words(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t word = std::min(text.find_first_not_of(kWordCharacters), text.size());
    if (word == 0) {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    const std::string_view run = text.substr(0, word);
    const bool digest = out.ends_with("sha256:");
    out += is_random_word(run) && !digest ? std::string("****") : std::string(run);
    text.remove_prefix(word);
  }
  return out;
}

struct Span {
  std::size_t first, last;
};

// The value that begins at `at`, behind blanks and without its quotes; up to the end of the text where a quote does not close.
Span value_at(std::string_view text, std::size_t at, char& quote) {
  while (at < text.size() && text[at] == ' ') ++at;
  quote = at < text.size() && (text[at] == '"' || text[at] == '\'') ? text[at++] : '\0';
  const std::string_view ends = quote == '"' ? "\"" : quote ? "'" : " \"'\n\t;&|";
  std::size_t last = at;
  while (last < text.size() && !contains(ends, text.substr(last, 1))) last += text[last] == '\\' && quote != '\'' ? 2u : 1u;
  return {std::min(at, text.size()), std::min(last, text.size())};
}

// The value of NAME=value, NAME: value and --name value is masked where the name says what it is.
std::string mask_assigned(std::string_view text) {
  static const secrets::NameRules kNames;
  const auto in_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
  std::string out;
  std::size_t at = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=' && text[i] != ':' && text[i] != ' ') continue;
    std::size_t first = i;
    while (first > at && in_name(text[first - 1])) --first;
    const std::string_view name = text.substr(first, i - first);
    if (name.empty() || (text[i] == ' ' && !name.starts_with("--")) || !kNames.is_secret(name)) continue;
    char quote = 0;
    const auto [value, end] = value_at(text, i + 1, quote);
    const std::string_view word = text.substr(value, end - value);
    if (word.empty() || (text[i] == ' ' && word.starts_with('-')) || (quote != '\'' && !secrets::can_be_secret(word))) continue;
    out += text.substr(at, value - at);
    out += "****";
    at = end;
    i = end == text.size() ? end : end - 1;
  }
  return out += text.substr(at);
}

std::string name_for_people(const Object& object, const secrets::Findings& findings) {
  if (const auto* image = object.image()) return image->summary.tags.empty() ? "" : printable(image->summary.tags[0], 80);
  if (const auto* container = object.container()) return printable(container->name, 60);
  if (const auto* volume = object.volume()) return printable(volume->name.str(), 80);
  if (const auto* record = object.cache()) return redact(record->description, findings);
  return "";
}

}  // namespace

FindingRow finding_row(const secrets::Finding& finding, const secrets::ValueSet& known, const Fingerprinter& fingerprint) {
  FindingRow row{finding.rule, std::string(secrets::to_string(finding.source)), known.redact(finding.location),
                 finding.masked, finding.fingerprint, known.redact(finding.origin)};
  if (finding.value) {
    row.masked = mask(*finding.value);
    row.fingerprint = fingerprint(*finding.value);
  }
  return row;
}

std::string redact(std::string_view text, const secrets::Findings& findings) {
  return printable(mask_random_words(mask_assigned(mask_url_passwords(findings.known.redact(text)))));
}

Document make_document(Command command, const purge::Look& look, const purge::Report* report,
                       const std::vector<inventory::Unread>& also_unread, const Fingerprinter& fingerprint, Duration took) {
  Document document;
  document.command = name_of(command);
  document.engine = look.inventory.engine();
  document.taken = look.inventory.taken();
  document.summary.scanned = look.findings.scanned;
  document.summary.duration = took;

  for (const plan::Item& item : look.plan.items) {
    const Object& object = look.inventory[item.object];
    if (object.kind == inventory::Kind::container_running) continue;
    ObjectRow row;
    row.id = object.id();
    row.kind = inventory::to_string(object.kind);
    row.engine_id = object.engine_id();
    if (object.build()) row.build = object.engine_id();
    row.name = name_for_people(object, look.findings);
    row.size = object.size();
    row.created = object.created();
    row.secret = item.secret;
    row.reasons = item.reasons;
    const bool removal = item.verdict == plan::Verdict::remove;
    row.state = command == Command::scan || command == Command::verify ? "found" : removal ? "planned" : "kept";
    if (report) {
      if (const auto outcome = report->outcomes.find(row.id); outcome != report->outcomes.end()) {
        row.state = outcome->second.state == purge::State::removed ? "removed" : outcome->second.state == purge::State::kept ? "kept" : "failed";
        if (outcome->second.state != purge::State::removed) row.reasons.push_back(outcome->second.reason);
      }
    }
    for (plan::Reason& reason : row.reasons) reason.text = look.findings.known.redact(reason.text);
    for (const secrets::Finding& finding : look.findings.of[item.object])
      row.findings.push_back(finding_row(finding, look.findings.known, fingerprint));

    Summary& summary = document.summary;
    ++summary.objects;
    summary.secret_objects += item.secret;
    summary.planned += removal;
    summary.removed += row.state == "removed";
    summary.kept += row.state == "kept";
    summary.failed += row.state == "failed";
    const bool secret_left = item.secret && row.state != "removed";
    if (!report || !report->after) summary.remaining_secrets += secret_left;
    document.objects.push_back(std::move(row));
  }
  if (report && report->after)
    for (const plan::Item& item : report->after->plan.items) document.summary.remaining_secrets += item.secret;
  if (report) document.summary.freed = report->freed;

  const auto take_unread = [&](const std::vector<inventory::Unread>& places) {
    for (const inventory::Unread& place : places) document.unread.push_back({place.place, look.findings.known.redact(place.reason)});
  };
  take_unread(report && report->after ? report->after->unread : look.unread);
  take_unread(also_unread);
  document.complete = document.unread.empty();
  return document;
}

}  // namespace cleanerd::report
