// The inner loop of searching over an input that is the same in each run, for bench/instructions.py. Prints how many bytes that
// were; fails when what is planted in them is not found.
#include <array>
#include <cstdio>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "match/example.hpp"
#include "match/load_rules.hpp"
#include "match/matcher.hpp"
#include "search/read_places.hpp"

using namespace cleanerd;

// What the instructions are counted in.
[[gnu::noinline]] std::vector<search::Answer> inner_loop(const search::Texts& texts, const match::Matcher& matcher) {
  const search::Texts* const targets[] = {&texts};
  const match::Matcher* const matchers[] = {&matcher};
  return search::read_texts(targets, matchers, Fingerprinter({}));
}

namespace {

constexpr std::size_t kHalf = 1 << 20;
constexpr unsigned kKnown = 20;
constexpr std::size_t kPlanted = 16;  // of known values, and of tokens, in each half

// Its numbers are the standard's; those of the standard's distributions are not.
std::mt19937_64 generator(7);
std::size_t below(std::size_t limit) { return generator() % limit; }

std::string known_value(std::uint64_t number) { return *match::expand_example("{base64url:32}", number); }

// Words, assignments, identifiers, hex and base64: what comes near a secret and what does not.
std::string text() {
  constexpr std::array<std::string_view, 20> kWords{"the", "return", "const", "password", "token", "if", "image", "secret", "build", "value",
                                                    "std::string", "import", "layer", "key", "github", "config", "self", "docker", "for", "AKIA"};
  constexpr std::array<std::string_view, 8> kBetween{" ", " ", " ", "_", ".", " = ", ": \"", "\n"};
  constexpr std::array<std::string_view, 4> kOdd{"{hex:40}", "{base64:64}", "{base62:22}", "{uuid}"};
  std::string out;
  while (out.size() < kHalf) {
    out += below(40) == 0 ? *match::expand_example(kOdd[below(kOdd.size())], generator()) : std::string(kWords[below(kWords.size())]);
    out += kBetween[below(kBetween.size())];
  }
  return out;
}

// Strings between numbers that are mostly small, as in object files.
std::string binary() {
  std::string out("\x7f" "ELF");
  while (out.size() < kHalf) {
    for (std::size_t i = below(200); i > 0; --i) out += static_cast<char>(below(3) == 0 ? below(256) : below(4));
    out += *match::expand_example("{base62:" + std::to_string(4 + below(28)) + "}", generator());
    out += '\0';
  }
  return out;
}

void plant(std::string& into) {
  for (std::size_t i = 0; i < kPlanted; ++i) {
    const std::string secrets = "\n" + known_value(i) + "\n" + *match::expand_example("ghp_{base62:30}{crc32}", i) + "\n";
    into.replace((i + 1) * (kHalf / (kPlanted + 2)), secrets.size(), secrets);
  }
}

}  // namespace

int main() {
  std::vector<SecretValue> known;
  for (unsigned i = 0; i < kKnown; ++i) known.emplace_back(known_value(i));
  const auto matcher = match::Matcher::make(match::shipped_rules().set, std::move(known), {});
  if (!matcher) return std::fprintf(stderr, "%s\n", matcher.error().message().c_str()), 1;
  std::string parts[] = {text(), binary()};
  search::Texts texts;
  for (std::string& part : parts) {
    plant(part);
    texts.push_back(part);
  }
  std::size_t values = 0, tokens = 0;
  for (const search::Answer& answer : inner_loop(texts, *matcher))
    for (const search::Hit& hit : answer.hits) {
      if (hit.rule.empty()) ++values;
      if (hit.rule == "github-pat") ++tokens;
    }
  std::printf("%zu bytes\n", parts[0].size() + parts[1].size());
  if (values == 2 * kPlanted && tokens == 2 * kPlanted) return 0;
  return std::fprintf(stderr, "found %zu values and %zu tokens, not %zu of each\n", values, tokens, 2 * kPlanted), 1;
}
