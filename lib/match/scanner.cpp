#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "match/build_log.hpp"
#include "match/hit_reader.hpp"
#include "match/matcher_parts.hpp"
#include "match/text_spans.hpp"

namespace cleanerd::match {
namespace {

struct Hits {
  std::vector<std::pair<unsigned, std::size_t>>* list;
  std::size_t begin;  // of what is scanned, in the view
};

int on_hit(unsigned id, unsigned long long, unsigned long long to, unsigned, void* context) {
  const auto* hits = static_cast<Hits*>(context);
  hits->list->emplace_back(id, hits->begin + static_cast<std::size_t>(to));
  return 0;
}

enum class Content { unknown, text, binary, utf16 };

constexpr std::size_t kLook = 8192;  // bytes that decide what a stream is

// A NUL makes a file binary, as for grep and git; half of all bytes NUL on one side of each pair makes it UTF-16.
Content content_of(std::string_view bytes, bool& odd) {
  bytes = bytes.substr(0, kLook);
  if (bytes.find('\0') == std::string_view::npos || is_build_log(bytes)) return Content::text;
  const std::size_t units = bytes.size() / 2;
  std::array<std::size_t, 2> zeros{};
  for (std::size_t i = 0; i < units; ++i) {
    zeros[0] += bytes[2 * i] == '\0';
    zeros[1] += bytes[2 * i + 1] == '\0';
  }
  const bool low_first = bytes.starts_with("\xff\xfe") || (zeros[1] * 10 >= units * 7 && zeros[0] * 50 <= units);
  const bool high_first = bytes.starts_with("\xfe\xff") || (zeros[0] * 10 >= units * 7 && zeros[1] * 50 <= units);
  odd = high_first;
  return units >= 8 && (low_first || high_first) ? Content::utf16 : Content::binary;
}

}  // namespace

struct Scanner::Parts {
  const Matcher::Parts& matcher;
  Scratch scratch;
  HitReader reader;
  std::vector<std::pair<unsigned, std::size_t>> hits;
  std::vector<char> buffer;
  std::size_t filled = 0;
  std::uint64_t offset = 0;   // of the buffer's first byte
  std::string path;
  std::vector<std::size_t> path_rules;
  Content content = Content::unknown;
  bool odd = false;           // UTF-16, high byte first
  std::string narrow;
  std::array<Span, 1> whole{};
  std::vector<Span> spans;
  // By table and unit, and for prefixes that are spelled apart: hits that end here or before were looked at.
  std::array<std::array<std::array<std::uint64_t, 2>, 2>, kTables> seen{};

  Parts(const Matcher::Parts& parts, Scratch own) : matcher(parts), scratch(std::move(own)), reader(parts) {}

  // One database over these parts of one view of the bytes; `unit` is 2 where the view is UTF-16 made narrow.
  void pass(std::size_t number, std::span<const Span> where, std::string_view bytes, std::uint64_t at, Part part, unsigned unit) {
    const PatternTable& table = matcher.tables[number];
    hits.clear();
    for (const Span& span : where) {
      Hits context{&hits, span.begin};
      if (number == kKnownSpans) matcher.anchors.find(bytes, span, hits);
      else if (table.database)
        hs_scan(table.database.get(), bytes.data() + span.begin, static_cast<unsigned>(span.end - span.begin), 0, scratch.get(), &on_hit, &context);
    }
    if (hits.empty()) return;
    const auto ready_without = [&](std::size_t margin) { return part == Part::last ? bytes.size() : bytes.size() - std::min(bytes.size(), margin); };
    const std::array ready{ready_without(kMaxReach), ready_without(unit == 1 ? kMaxSpelled : kMaxReach)};
    const View view{bytes, at, unit, content != Content::binary, path, path_rules};
    auto& looked = seen[number][unit - 1];
    for (const auto& [id, to] : hits) {
      const std::size_t kind = table.entries[id].is_spelled() ? 1 : 0;
      if (to <= ready[kind] && at + to > looked[kind]) reader.look(table.entries[id], to, view);
    }
    for (std::size_t kind = 0; kind < ready.size(); ++kind) looked[kind] = std::max(looked[kind], at + ready[kind]);
  }

  // What may stand in any file.
  void pass_any(std::string_view bytes, std::uint64_t at, Part part, unsigned unit) {
    if (bytes.empty()) return;
    whole.front() = {0, bytes.size()};
    if (content != Content::text) find_text_spans(bytes, spans);
    const std::span<const Span> within = content == Content::text ? std::span<const Span>(whole) : spans;
    for (const std::size_t number : {kBytes, kKnownBytes}) pass(number, whole, bytes, at, part, unit);
    for (const std::size_t number : {kSpans, kKnownSpans}) pass(number, within, bytes, at, part, unit);
  }

  void pass_whole(std::size_t number, std::string_view bytes, std::uint64_t at, Part part, unsigned unit) {
    if (bytes.empty()) return;
    whole.front() = {0, bytes.size()};
    pass(number, whole, bytes, at, part, unit);
  }
};

Result<Scanner> Matcher::scanner() const {
  hs_scratch_t* scratch = nullptr;
  for (const PatternTable& table : parts_->tables) {
    if (table.database && hs_alloc_scratch(table.database.get(), &scratch) != HS_SUCCESS) {
      const Scratch owner(scratch);
      return Error(Errc::io, "no memory to search with");
    }
  }
  return Scanner(std::make_unique<Scanner::Parts>(*parts_, Scratch(scratch)));
}

Scanner::Scanner(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Scanner::Scanner(Scanner&&) noexcept = default;
Scanner& Scanner::operator=(Scanner&&) noexcept = default;
Scanner::~Scanner() = default;

void Scanner::begin(std::string_view path) {
  parts_->path = path;
  parts_->matcher.paths.find(path, parts_->path_rules);
  parts_->reader.clear();
  parts_->content = Content::unknown;
  parts_->seen = {};
  parts_->filled = 0;
  parts_->offset = 0;
}

std::span<char> Scanner::room() {
  if (parts_->buffer.empty()) parts_->buffer.resize(kChunk + kOverlap);
  return std::span(parts_->buffer).subspan(parts_->filled);
}

void Scanner::filled(std::size_t count, const Sink& sink) {
  parts_->filled += count;
  if (parts_->filled < parts_->buffer.size()) return;
  scan(parts_->buffer, parts_->offset, Part::more, sink);
  std::memmove(parts_->buffer.data(), parts_->buffer.data() + parts_->filled - kOverlap, kOverlap);
  parts_->offset += parts_->filled - kOverlap;
  parts_->filled = kOverlap;
}

void Scanner::finish(const Sink& sink) {
  scan(std::span(parts_->buffer).first(parts_->filled), parts_->offset, Part::last, sink);
}

void Scanner::scan(std::span<const char> bytes, std::uint64_t offset, Part part, const Sink& sink) {
  Parts& p = *parts_;
  const std::string_view view(bytes.data(), bytes.size());
  if (p.content == Content::unknown) {
    p.content = content_of(view, p.odd);
    for (const std::size_t rule : p.path_rules)
      if (p.matcher.rules.rules[rule].pattern.empty() && !bytes.empty()) p.reader.whole_file(rule, sink);
  }
  p.pass_any(view, offset, part, 1);
  if (p.content == Content::utf16) {
    // The low byte of each unit; what is no Latin-1 becomes a byte that no rule wants.
    p.narrow.clear();
    const std::size_t first = offset & 1;
    for (std::size_t i = first; i + 1 < view.size(); i += 2) {
      const char low = view[p.odd ? i + 1 : i], high = view[p.odd ? i : i + 1];
      p.narrow += high == '\0' ? low : '\x1a';
    }
    p.pass_any(p.narrow, (offset + first) / 2, part, 2);
  }
  const bool wide = p.content == Content::utf16;
  const std::string_view text = wide ? std::string_view(p.narrow) : view;
  const std::uint64_t at = wide ? (offset + (offset & 1)) / 2 : offset;
  if (p.content != Content::binary) p.pass_whole(kText, text, at, part, wide ? 2 : 1);
  if (!p.path_rules.empty()) p.pass_whole(kPath, text, at, part, wide ? 2 : 1);
  // What is looked at later may overlap what has been found near the end.
  const std::uint64_t end = offset + bytes.size();
  p.reader.report(part == Part::last ? std::numeric_limits<std::uint64_t>::max() : end - std::min<std::uint64_t>(end, kOverlap), sink);
}

void Scanner::scan_all(std::string_view path, std::span<const char> bytes, const Sink& sink) {
  begin(path);
  for (std::size_t at = 0;;) {
    const std::size_t size = std::min(bytes.size() - at, kChunk + kOverlap);
    const bool last = at + size == bytes.size();
    scan(bytes.subspan(at, size), at, last ? Part::last : Part::more, sink);
    if (last) return;
    at += size - kOverlap;
  }
}

}  // namespace cleanerd::match
