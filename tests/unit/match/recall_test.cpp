// How much of a planted corpus is found. A failure names the format, the kind of file and the place, never the secret.
#include <cstring>
#include <map>

#include "match/codec.hpp"
#include "match/example.hpp"
#include "match/unpack.hpp"
#include "unit/match/corpus.hpp"
#include "unit/match/support.hpp"

namespace cleanerd::match {
namespace {

// A file's bytes, or its members' where it is an archive.
class Reader : private UnpackSink {
 public:
  explicit Reader(const Matcher& matcher) : scanner_(scanner_of(matcher)) {}

  std::vector<Match> read(const std::string& path, std::string_view bytes) {
    found_.clear();
    if (!is_container(bytes.substr(0, 512))) {
      scanner_.scan_all(path, bytes, sink_);
      return std::move(found_);
    }
    const ByteSource source = [&](std::span<char> room) {
      const std::size_t size = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), size);
      bytes.remove_prefix(size);
      return static_cast<std::ptrdiff_t>(size);
    };
    unpack(path, source, {}, *this);
    return std::move(found_);
  }

 private:
  void begin(const std::string& path) override { scanner_.begin(path); }
  void bytes(std::span<const char> part) override {
    std::memcpy(scanner_.room().data(), part.data(), part.size());
    scanner_.filled(part.size(), sink_);
  }
  void end() override { scanner_.finish(sink_); }
  void unread(const std::string& path, const std::string& reason) override { ADD_FAILURE() << path << ": " << reason; }
  void damaged(const std::string& path) override { ADD_FAILURE() << path << ": damaged"; }

  Scanner scanner_;
  std::vector<Match> found_;
  const Sink sink_ = [this](Match&& match) { found_.push_back(std::move(match)); };
};

bool holds(const Planted& planted, const Match& match) {
  if (match.begin >= planted.end || match.end <= planted.begin) return false;
  // A rule may take more or less than the vendor's token: the whole address of a webhook, the password in a login.
  const std::string_view found = match.secret.reveal();
  return found.size() >= 8 && (found.find(planted.secret) != std::string_view::npos || planted.secret.find(found) != std::string::npos ||
                               base64_decode(planted.secret).find(found) != std::string::npos);
}

struct Tally {
  std::size_t planted = 0;
  std::vector<std::string> missed;

  void count(const Planted& planted_one, bool found) {
    ++planted;
    if (!found)
      missed.push_back(planted_one.format + " in " + planted_one.kind + " at " + std::to_string(planted_one.begin));
  }
};

TEST(Recall, IsAtLeast98PercentOfAPlantedCorpus) {
  const Matcher matcher = matcher_of(shipped_rules().set);
  Reader reader(matcher);
  Tally tally;
  std::map<std::string, bool> formats;
  const auto look = [&](const Planted& planted) {
    bool found = false;
    for (const Match& match : reader.read(planted.path, planted.bytes)) found |= holds(planted, match);
    tally.count(planted, found);
    formats[planted.format] |= found;
  };
  std::uint64_t seed = 40;
  for (const Format& format : corpus_formats())
    for (const Planted& planted : planted_files(format, ++seed)) look(planted);
  for (const Planted& planted : planted_credential_files(7000)) look(planted);
  EXPECT_GE(formats.size(), 100u);
  EXPECT_GE(tally.planted, 300u);
  for (const auto& [format, found] : formats) EXPECT_TRUE(found) << format << " is not found anywhere";
  RecordProperty("planted", static_cast<int>(tally.planted));
  RecordProperty("missed", static_cast<int>(tally.missed.size()));
  if (tally.missed.size() * 100 <= tally.planted * 2) return;
  for (const std::string& missed : tally.missed) ADD_FAILURE() << missed;
  ADD_FAILURE() << tally.missed.size() << " of " << tally.planted << " are missed";
}

// Values that a job declares: of any form, in every spelling, everywhere.
TEST(Recall, OfDeclaredValuesIsComplete) {
  std::vector<std::string> values;
  for (std::uint64_t i = 0; i < 20; ++i) {
    values.push_back(*expand_example("{base62:20}", 900 + i));
    values.push_back(*expand_example("{lower:5}-\"{base64:9}\"/&<{digit:3}>'$ +{base62:6}", 950 + i));
  }
  std::vector<SecretValue> known(values.begin(), values.end());
  const Matcher matcher = matcher_of(shipped_rules().set, std::move(known));
  Reader reader(matcher);
  Tally tally;
  for (std::size_t i = 0; i < values.size(); ++i) {
    // The spellings of the value itself, and of a line around it.
    const std::string& value = values[i];
    std::map<std::string, std::string> forms{
        {"plain", value}, {"hex", hex_encode(value, false)}, {"upper-case hex", hex_encode(value, true)},
        {"URL-encoded", percent_encode(value, true)}, {"URL-encoded in small letters", percent_encode(value, false)},
        {"JSON", json_escape(value, JsonStyle::plain)}, {"JSON of Go's", json_escape(value, JsonStyle::html_safe)},
        {"JSON with slashes", json_escape(value, JsonStyle::slashes)}, {"JSON in JSON", json_escape(json_escape(value, JsonStyle::plain), JsonStyle::plain)},
        {"XML", xml_escape(value)}, {"UTF-16", wide(value)}, {"shell", shell_quote(value, ShellQuotes::single_closed)},
        {"shell, double quotes", shell_quote(value, ShellQuotes::double_quotes)}, {"shell, backslashes", shell_quote(value, ShellQuotes::backslashes)}};
    for (std::size_t alignment = 0; alignment < 3; ++alignment)
      for (const Base64 alphabet : {Base64::padded, Base64::url})
        forms["base64 " + std::to_string(alignment) + (alphabet == Base64::url ? " url" : "")] =
            base64_encode(std::string("u:").substr(2 - alignment) + value + "\n", alphabet);
    const std::string binary = "\x7f" "ELF" + std::string(200, '\0');
    const std::string page = filler(Scanner::kChunk + Scanner::kOverlap - 7);
    for (const auto& [form, text] : forms)
      for (const auto& [kind, before, after] : {std::tuple<std::string, std::string, std::string>{"text", "a: ", "\n"}, {"binary", binary + "x", "x" + std::string(9, '\0')},
                                                {"last bytes", filler(900), ""}, {"edge of a buffer", page, filler(50)}}) {
        const Planted planted{form, kind, "/a", before + text + after, value, before.size(), before.size() + text.size()};
        bool found = false;
        for (const Match& match : reader.read(planted.path, planted.bytes))
          found |= match.known == i && match.begin < planted.end && match.end > planted.begin;
        tally.count(planted, found);
      }
  }
  for (const std::string& missed : tally.missed) ADD_FAILURE() << missed;
  EXPECT_GE(tally.planted, 3000u);
}

}  // namespace
}  // namespace cleanerd::match
