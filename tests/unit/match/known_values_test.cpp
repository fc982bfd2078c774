#include <algorithm>

#include "match/known_variants.hpp"
#include "unit/match/support.hpp"

namespace cleanerd::match {
namespace {

const std::string kValue = R"(p4ss"W/rd&<'$x+ 9Zq=)";
const std::string kToken = "Vb7QkT2mXc9LwR4zHs8NdF3y";

bool finds(Scanner& scanner, std::string_view bytes, std::size_t known, Encoding encoding) {
  return std::ranges::any_of(scan(scanner, "/a", bytes),
                             [&](const Match& m) { return m.known == known && m.encoding == encoding && m.secret.size() > 0; });
}

TEST(KnownValues, AreFoundInEachFormInTextAndInBinary) {
  const Matcher matcher = matcher_of({}, {SecretValue(kToken), SecretValue(kValue)});
  Scanner scanner = scanner_of(matcher);
  const std::string nul(2, '\0');
  for (const std::string& before : {std::string("x "), std::string("\x7f" "ELF") + nul}) {
    const auto expect = [&](const std::string& form, Encoding encoding) {
      EXPECT_TRUE(finds(scanner, before + form + " y", 1, encoding)) << to_string(encoding) << " " << form;
    };
    expect(kValue, Encoding::plain);
    for (std::size_t alignment = 0; alignment < 3; ++alignment) {
      expect(base64_encode(std::string(alignment, 'u') + kValue + "tail", Base64::standard), Encoding::base64);
      expect(base64_encode(std::string(alignment, 'u') + kValue + "tail", Base64::url), Encoding::base64);
    }
    expect(percent_encode(kValue, true), Encoding::percent);
    expect(percent_encode(kValue, false), Encoding::percent);
    expect(hex_encode(kValue, false), Encoding::hex);
    expect(hex_encode(kValue, true), Encoding::hex);
    expect(R"(p4ss\"W/rd&<'$x+ 9Zq=)", Encoding::json);
    expect(R"(p4ss\"W/rd\u0026\u003c'$x+ 9Zq=)", Encoding::json);
    expect(R"(p4ss\"W\/rd&<'$x+ 9Zq=)", Encoding::json);
    expect(R"(p4ss\\\"W/rd&<'$x+ 9Zq=)", Encoding::json);
    expect(R"(p4ss"W/rd&<'\''$x+ 9Zq=)", Encoding::shell);
    expect(R"(p4ss&quot;W/rd&amp;&lt;'$x+ 9Zq=)", Encoding::xml);
    expect(wide(kValue), Encoding::utf16);
  }
}

TEST(KnownValues, AreFoundOnceWhereverAChunkEnds) {
  const Matcher matcher = matcher_of({}, {SecretValue(kToken)});
  Scanner scanner = scanner_of(matcher);
  const std::size_t chunk = Scanner::kChunk + Scanner::kOverlap;
  const std::string encoded = base64_encode(kToken, Base64::standard);
  for (const std::string& form : {kToken, encoded, hex_encode(kToken, false), wide(kToken)})
    for (const std::size_t before : {std::size_t{0}, chunk - form.size() / 2, chunk - 1, chunk, chunk - Scanner::kOverlap - 3, 2 * chunk}) {
      const std::string bytes = filler(before) + form + filler(before == chunk ? 0 : 70);
      const auto matches = scan(scanner, "/a", bytes);
      ASSERT_EQ(matches.size(), 1u) << "after " << before;
      EXPECT_EQ(matches[0].begin, before);
      EXPECT_EQ(matches[0].secret.reveal(), kToken);
      const auto streamed = stream(scanner, "/a", bytes, 4093);
      ASSERT_EQ(streamed.size(), 1u) << "streamed, after " << before;
      EXPECT_EQ(streamed[0].begin, before);
    }
}

TEST(KnownValues, AreFoundInBase64ThatWasBrokenIntoLines) {
  for (std::size_t size = 14; size <= kToken.size() + kValue.size(); ++size) {
    const std::string value = (kToken + kValue).substr(0, size);
    const Matcher matcher = matcher_of({}, {SecretValue(value)});
    Scanner scanner = scanner_of(matcher);
    for (std::size_t before = 0; before < 57; ++before) {
      const std::string text = base64_encode(std::string(before, 'a') + value + std::string(40, 'z'), Base64::padded);
      std::string lines;
      for (std::size_t at = 0; at < text.size(); at += 76) lines += text.substr(at, 76) + "\n";
      EXPECT_TRUE(finds(scanner, lines, 0, Encoding::base64)) << size << " bytes after " << before;
    }
  }
}

TEST(KnownValues, OfSeveralLinesAreFoundLineByLine) {
  const std::string key = "-----BEGIN X-----\nMIIEowIBAAKCAQEAu1SU1LfVLPHCozMxH2Mo\nQk9vVb7QkT2mXc9LwR4zHs8NdF3yAAAA\n-----END X-----";
  const Matcher matcher = matcher_of({}, {SecretValue(key)});
  Scanner scanner = scanner_of(matcher);
  EXPECT_TRUE(finds(scanner, "    Qk9vVb7QkT2mXc9LwR4zHs8NdF3yAAAA\n", 0, Encoding::plain));
  EXPECT_EQ(scan(scanner, "/a", "before " + key + " after").size(), 1u);
  EXPECT_TRUE(scan(scanner, "/a", "-----BEGIN X-----\n-----END X-----\n").empty());
}

TEST(KnownValues, ThatAreTooShortAreNamed) {
  const Matcher matcher = matcher_of({}, {SecretValue("short"), SecretValue(kToken)});
  ASSERT_EQ(matcher.unsearchable().size(), 1u);
  EXPECT_EQ(matcher.unsearchable()[0], 0u);
}

TEST(KnownValues, OfAHundredAreAllFoundInOnePass) {
  std::vector<SecretValue> known;
  std::string bytes;
  for (int i = 0; i < 100; ++i) {
    const std::string value = "k" + std::to_string(i * 7919 + 1000000) + "Qz" + std::to_string(i * 104729);
    known.emplace_back(value);
    bytes += "line " + base64_encode("u:" + value, Base64::standard) + "\n" + hex_encode(value, false) + "\n";
  }
  const Matcher matcher = matcher_of({}, std::move(known));
  Scanner scanner = scanner_of(matcher);
  EXPECT_EQ(scan(scanner, "/a", bytes).size(), 200u);
}

}  // namespace
}  // namespace cleanerd::match
