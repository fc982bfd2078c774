#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "report/gate.hpp"
#include "report/render.hpp"

namespace cleanerd::report {
namespace {

using Row = std::array<std::string, 5>;

constexpr std::size_t kShortId = 12;

std::string short_id(const ObjectRow& row) {
  std::string_view bare = row.engine_id;
  if (bare.starts_with('/')) return row.kind + ":" + printable(bare, 120);
  if (bare.starts_with("sha256:")) bare.remove_prefix(7);
  // A name begins as others do: only what is random is unique by its beginning.
  const bool random = bare.size() > kShortId && std::ranges::all_of(bare, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
  return row.kind + ":" + (random ? std::string(bare.substr(0, kShortId)) : printable(bare, 120));
}

// Terminal columns: code points, near enough for what is printed here.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string secret_cell(const ObjectRow& row) {
  if (row.findings.empty()) return "-";
  const FindingRow& first = row.findings.front();
  std::string cell = first.origin + (first.masked.empty() ? "" : " " + first.masked);
  if (row.findings.size() > 1) cell += " (+" + std::to_string(row.findings.size() - 1) + " more)";
  return cell;
}

// A line stays readable; `cleanerctl explain` and the other formats have it whole.
std::string shortened(std::string text) {
  constexpr std::size_t kLongest = 200;
  if (width(text) <= kLongest) return text;
  const std::size_t blank = text.rfind(' ', kLongest);
  text.resize(blank == std::string::npos ? kLongest : blank);
  return printable(text, kLongest) + " …";
}

// The reason that decided: the last one.
std::string why_cell(const ObjectRow& row) { return row.reasons.empty() ? "" : row.reasons.back().text; }

std::string paint(const std::string& state, std::string text, Colour colour) {
  if (colour == Colour::no) return text;
  const char* code = state == "removed" || state == "planned" ? "32" : state == "failed" ? "31" : state == "kept" ? "33" : nullptr;
  return code ? "\x1b[" + std::string(code) + "m" + text + "\x1b[0m" : text;
}

std::string render_rows(const std::vector<Row>& rows, const std::vector<std::string>& states, Colour colour) {
  Row header = rows.front();
  std::array<std::size_t, 5> widths{};
  for (const Row& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width(row[c]));
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      if (widths[c] == 0) continue;
      std::string cell = rows[r][c];
      const std::size_t padding = widths[c] - width(cell) + 2;
      if (c == 0 && r != 0) cell = paint(states[r - 1], std::move(cell), colour);
      line += cell + std::string(padding, ' ');
    }
    while (line.ends_with(' ')) line.pop_back();
    out += line + "\n";
  }
  return out;
}

// docs/decisions/0003-containerd-store-cache-index.md
bool forgets_step_index(const Document& document) {
  return document.engine.store == engine::ImageStore::containerd &&
         std::ranges::any_of(document.objects, [](const ObjectRow& row) { return row.state == "removed" && row.kind.starts_with("cache."); });
}

// Empty where none of these databases holds a secret.
std::string freed_pages(const Document& document) {
  const auto count = static_cast<std::size_t>(
      std::ranges::count_if(document.objects, [](const ObjectRow& row) { return row.kind == inventory::kFreedPages && row.state == "found" && row.secret; }));
  if (count == 0) return {};
  return "Freed pages of " + plural(count, "database") + " hold some of it: stop the engine, then `cleanerctl scrub` clears them.\n";
}

std::string conclusion(const Document& document) {
  const Summary& summary = document.summary;
  std::string out;
  if (document.command == "scan") {
    if (summary.secret_objects == 0) return "No secret found in " + plural(summary.objects, "object") + ".\n";
    out = std::to_string(summary.secret_objects) + " of " + plural(summary.objects, "object") + " carry a secret.";
    return out + " `cleanerctl plan` shows what a purge would do, `cleanerctl explain ID` tells an object's story.\n";
  }
  if (document.command == "verify") {
    if (summary.secret_objects == 0) return "None of the given secrets was found in " + plural(summary.objects, "object") + ".\n";
    return std::to_string(summary.secret_objects) + " of " + plural(summary.objects, "object") + " hold a given secret.\n" + freed_pages(document);
  }
  if (document.command == "scrub") {
    if (summary.planned == 0) return "No old bytes in the free pages of " + plural(summary.objects, "database") + ".\n";
    out = std::to_string(summary.planned) + " of " + plural(summary.objects, "database") + " with old bytes in free pages, " + std::to_string(summary.secret_objects) +
          " with a known or recognised secret in them";
    if (summary.removed == 0 && summary.failed == 0) return out + ". `cleanerctl scrub` zeroes them while the engine is stopped.\n";
    return out + ": " + to_string(summary.freed) + " zeroed, every key and value is as it was.\n";
  }
  if (document.command == "plan") {
    if (summary.secret_objects == 0 && summary.planned == 0) return "Nothing to remove: no secret found in " + plural(summary.objects, "object") + ".\n";
    return plural(summary.planned, "object") + " would be removed, " + std::to_string(summary.objects - summary.planned) + " kept; " +
           std::to_string(summary.secret_objects) + " carry a secret.\n";
  }
  if (summary.planned == 0 && summary.remaining_secrets == 0)
    return "Nothing to remove: no secret found in " + plural(summary.objects, "object") + ".\n";
  out = plural(summary.removed, "object") + " removed, " + to_string(summary.freed) + " freed";
  if (summary.failed != 0) out += ", " + std::to_string(summary.failed) + " failed";
  out += ". Looked again: ";
  out += summary.remaining_secrets == 0 ? "no secret is left.\n" : std::to_string(summary.remaining_secrets) + " objects still carry a secret.\n";
  out += freed_pages(document);
  if (forgets_step_index(document))
    out += "Every other cache record is still there, but with the containerd store BuildKit forgets its index of steps when it prunes:\n"
           "the next build on a base image that Docker itself unpacked runs its steps once more (docs/decisions/0003).\n";
  return out;
}

}  // namespace

std::string render_table(const Document& document, Colour colour) {
  if (document.command == "gate") return render_gate(document);
  const engine::EngineInfo& engine = document.engine;
  std::string out = engine.version.empty() ? "Data root " + printable(engine.data_root, 120) + "\n" : "Docker Engine " + engine.version + " (API " + engine::to_string(engine.api) + ", " +
                    (engine.store == engine::ImageStore::graphdriver ? "graphdriver " : "containerd ") +
                    printable(engine.storage_driver, 40) + ", " + printable(engine.data_root, 120) + ")\n";
  const bool decides = document.command == "plan" || document.command == "purge" || document.command == "run" || document.command == "session end" || document.command == "scrub";
  std::vector<Row> rows{{decides ? "STATE" : "", "OBJECT", "SIZE", "AGE", decides ? "WHY" : "SECRET"}};
  std::vector<std::string> states;
  for (const ObjectRow& row : document.objects) {
    if (!document.lists_all && !row.secret && row.state != "planned" && row.state != "removed" && row.state != "failed") continue;
    const std::string why = decides ? why_cell(row) + (row.secret && row.state != "kept" && !row.findings.empty() ? ": " + secret_cell(row) : "") : secret_cell(row);
    rows.push_back({decides ? row.state : "", short_id(row), to_string(row.size),
                    row.created ? format_age(document.taken - *row.created) : "-", shortened(why)});
    states.push_back(row.state);
  }
  if (rows.size() > 1) out += "\n" + render_rows(rows, states, colour) + "\n";
  out += conclusion(document);
  if (!document.unread.empty()) {
    out += "Not looked at:\n";
    for (const inventory::Unread& place : document.unread) out += "  " + printable(place.place, 120) + ": " + printable(place.reason) + "\n";
  }
  return out;
}

}  // namespace cleanerd::report
