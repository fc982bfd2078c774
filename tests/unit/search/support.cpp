#include "unit/search/support.hpp"

#include <stdexcept>

namespace cleanerd::search {
namespace {

constexpr const char* kRules = R"yaml(
rules:
  - {id: token, description: A token, pattern: 'tok_[0-9A-Za-z]{22}', match: ['tok_{base62:22}']}
  - {id: npmrc, description: A registry's token, tier: path, paths: [.npmrc], pattern: '_password=\w{8}', confirm: '_password=(\w{8,64})',
     reach: 128, boundary: none, match: ['_password={base62:22}']}
  - {id: registry, description: A registry's login, pattern: ':_authToken=\w{8}', confirm: ':_authToken=(\w{8,64})', reach: 128,
     boundary: none, match: ['//r.example.org/:_authToken={base62:22}']}
  - {id: assigned, description: A value under a name, tier: text, name: 'api_key', pattern: '[0-9A-Za-z_]{16}',
     confirm: '[0-9A-Za-z_]{16,64}', entropy: 2, match: ['api_key={base62:20}']}
  - {id: store, description: A key store, tier: path, paths: ['*.p12']}
)yaml";

}  // namespace

match::RuleSet some_rules(const std::string& more) {
  match::LoadedRules loaded = match::load_rules_text("rules.yaml", kRules + more);
  if (!loaded.diagnostics.empty()) throw std::runtime_error(render(loaded.diagnostics[0]));
  return std::move(loaded.set);
}

match::Matcher matcher_of(match::RuleSet rules, std::vector<SecretValue> known) {
  auto matcher = match::Matcher::make(std::move(rules), std::move(known), {});
  if (!matcher) throw std::runtime_error(matcher.error().message());
  return std::move(*matcher);
}

std::string filler(std::size_t size) {
  static constexpr std::string_view kWords = "the quick brown fox jumps over the lazy dog and runs away\n";
  std::string text;
  text.reserve(size + kWords.size());
  while (text.size() < size) text += kWords;
  text.resize(size);
  return text;
}

std::vector<std::string> found(const Answer& answer) {
  std::vector<std::string> all;
  for (const Hit& hit : answer.hits) all.push_back((hit.rule.empty() ? "known" : hit.rule) + " " + hit.file);
  return all;
}

std::string text_of(const Answer& answer) {
  std::string text;
  for (const Hit& hit : answer.hits)
    text += hit.rule + " " + hit.file + " " + std::to_string(hit.begin) + "-" + std::to_string(hit.end) + " " +
            std::string(to_string(hit.encoding)) + " " + hit.fingerprint + " " + hit.masked + "\n";
  for (const UnreadFile& file : answer.unread) text += "unread " + file.file + ": " + file.reason + "\n";
  return text + std::to_string(answer.bytes) + " bytes, " + std::to_string(answer.left_out) + " left out\n";
}

std::vector<Answer> PlacesTest::read(const std::vector<std::string>& places, const std::vector<std::string>& known, ReadOptions options) {
  std::vector<SecretValue> values(known.begin(), known.end());
  const match::Matcher rules = matcher_of(some_rules()), for_values = matcher_of({}, std::move(values));
  const std::vector<const match::Matcher*> matchers{&for_values, &rules};
  return read_places(places, matchers, kFingerprint, options);
}

Answer PlacesTest::read_one(const std::string& place, const std::vector<std::string>& known, const ReadOptions& options) {
  return std::move(read({place.empty() ? root() : path(place)}, known, options).front());
}

Options WholeSearchTest::options() const {
  Options options;
  options.state_dir = path("state");
  options.engine_id = "e1";
  options.key = Fingerprinter::Key{1, 2, 3};
  options.threads = 2;
  return options;
}

Search WholeSearchTest::opened(const Options& options, const std::string& more_rules) {
  auto search = Search::open(std::make_shared<Rules>(some_rules(more_rules)), options);
  if (!search) throw std::runtime_error(search.error().message());
  return std::move(*search);
}

}  // namespace cleanerd::search
