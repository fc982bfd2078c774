#include "report/document.hpp"

#include <algorithm>
#include <cctype>
#include <future>
#include <unordered_map>

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
    case Command::gate: return "gate";
  }
  return {};
}

bool decides(Command command) { return command == Command::plan || command == Command::purge; }

// A plan and a purge tell of every object why it stays, and a gate has to see what its images stand on.
bool tells_selected(Command command) { return command == Command::scan || command == Command::verify; }

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
  const auto known_masked = [&](std::string_view name) { return printable(findings.known.redact(name), 80); };
  if (const auto* image = object.image()) return image->summary.tags.empty() ? "" : known_masked(image->summary.tags[0]);
  if (const auto* container = object.container()) return known_masked(container->name);
  if (const auto* volume = object.volume()) return known_masked(volume->name.str());
  if (const auto* record = object.cache()) return redact(record->description, findings);
  return "";
}

// All but its state.
ObjectRow row_of(const purge::Look& look, const plan::Item& item, const Fingerprinter& fingerprint) {
  const Object& object = look.inventory[item.object];
  ObjectRow row;
  row.id = object.id();
  row.kind = inventory::to_string(object.kind);
  row.engine_id = object.engine_id();
  if (object.build()) row.build = object.engine_id();
  if (object.cache() && object.builds.size() == 1) row.build = object.builds[0].str();
  row.name = name_for_people(object, look.findings);
  row.size = object.size();
  row.created = object.created();
  row.secret = item.secret;
  row.policy = item.policy;
  row.reasons = item.reasons;
  for (const secrets::Finding& finding : look.findings.of[item.object])
    row.findings.push_back(finding_row(finding, look.findings.known, fingerprint));
  return row;
}

void redact_reasons(ObjectRow& row, const secrets::Findings& findings) {
  for (plan::Reason& reason : row.reasons) reason.text = findings.known.redact(reason.text);
}

ObjectRow row_with_state(Command command, const purge::Look& look, const purge::Report* report, const plan::Item& item, const Fingerprinter& fingerprint) {
  ObjectRow row = row_of(look, item, fingerprint);
  const bool removal = item.verdict == plan::Verdict::remove;
  row.state = !decides(command) ? "found" : removal ? "planned" : "kept";
  if (report) {
    if (const auto outcome = report->outcomes.find(row.id); outcome != report->outcomes.end()) {
      row.state = outcome->second.state == purge::State::removed ? "removed" : outcome->second.state == purge::State::kept ? "kept" : "failed";
      if (!removal) {
        row.secret = true;
        row.reasons = {{"secret", "holds what came to light while the purge ran"}};
      }
      if (outcome->second.state != purge::State::removed) row.reasons.push_back(outcome->second.reason);
    }
  }
  redact_reasons(row, look.findings);
  return row;
}

// What the look after a purge found in objects that were not there before, or had no secret then.
void add_what_came_since(Document& document, const purge::Look& after, const Fingerprinter& fingerprint) {
  std::unordered_map<std::string, std::size_t> listed;
  for (std::size_t i = 0; i < document.objects.size(); ++i) listed.emplace(document.objects[i].engine_id, i);
  for (const plan::Item& item : after.plan.items) {
    if (!item.secret || after.inventory[item.object].kind == inventory::Kind::container_running) continue;
    ObjectRow row = row_of(after, item, fingerprint);
    const auto before = listed.find(row.engine_id);
    const bool is_known = before != listed.end();
    if (is_known && (document.objects[before->second].secret || document.objects[before->second].state == "failed")) continue;
    row.state = "kept";
    if (item.verdict == plan::Verdict::remove) row.reasons.push_back({"appeared", "came while the purge ran; the next one removes it"});
    redact_reasons(row, after.findings);
    ++document.summary.secret_objects;
    if (is_known) {
      row.id = document.objects[before->second].id;
      row.kind = document.objects[before->second].kind;
      document.objects[before->second] = std::move(row);
    } else {
      ++document.summary.objects;
      ++document.summary.kept;
      document.objects.push_back(std::move(row));
    }
  }
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
                       const std::vector<inventory::Unread>& also_unread, const Fingerprinter& fingerprint, Duration took, Tell tell) {
  Document document;
  document.command = name_of(command);
  document.engine = look.inventory.engine();
  document.taken = look.inventory.taken();
  document.summary.scanned = look.findings.scanned;
  document.summary.duration = took;

  std::vector<const plan::Item*> told;
  for (const plan::Item& item : look.plan.items) {
    if (look.inventory[item.object].kind == inventory::Kind::container_running || (!item.selected && tells_selected(command))) continue;
    if (tell == Tell::all || item.secret || item.verdict == plan::Verdict::remove) told.push_back(&item);
  }
  document.objects.resize(told.size());
  const auto make_rows = [&](std::size_t first, std::size_t last) {
    for (std::size_t i = first; i < last; ++i) document.objects[i] = row_with_state(command, look, report, *told[i], fingerprint);
  };
  auto second_half = std::async(std::launch::async, make_rows, told.size() / 2, told.size());
  make_rows(0, told.size() / 2);
  second_half.get();

  for (std::size_t i = 0; i < told.size(); ++i) {
    const ObjectRow& row = document.objects[i];
    Summary& summary = document.summary;
    ++summary.objects;
    summary.secret_objects += told[i]->secret;
    summary.planned += told[i]->verdict == plan::Verdict::remove;
    summary.removed += row.state == "removed";
    summary.kept += row.state == "kept";
    summary.failed += row.state == "failed";
    const bool secret_left = told[i]->secret && row.state != "removed";
    if (!report || !report->after) summary.remaining_secrets += secret_left;
  }
  if (report && report->after) add_what_came_since(document, *report->after, fingerprint);
  // Only the stopped engine's can be cleared, so they decide over no purge; the ones without a secret are what a verify looked at.
  for (const purge::FreedPages& pages : report && report->after ? report->after->freed : look.freed) {
    ObjectRow row = freed_row(pages, look.findings.known, fingerprint);
    if (report && !row.secret) continue;
    if (row.secret) row.reasons.push_back({"freed", "is in freed pages, which `cleanerctl scrub` zeroes while the engine is stopped"});
    else row.reasons.push_back({"innocent", "holds none of the secrets in freed pages"});
    ++document.summary.objects;
    document.summary.secret_objects += row.secret;
    document.objects.push_back(std::move(row));
  }
  if (report && report->after)
    for (const plan::Item& item : report->after->plan.items) document.summary.remaining_secrets += item.secret;
  if (report) document.summary.freed = report->freed;

  const auto take_unread = [&](const std::vector<inventory::Unread>& places) {
    for (const inventory::Unread& place : places) document.unread.push_back({look.findings.known.redact(place.place), look.findings.known.redact(place.reason), place.owners, place.changed});
  };
  take_unread(report && report->after ? report->after->unread : look.unread);
  take_unread(also_unread);
  document.complete = document.unread.empty();
  put_in_order(document.objects);
  return document;
}

}  // namespace cleanerd::report
