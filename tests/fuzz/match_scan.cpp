// Any bytes, cut anywhere: no crash, and the same is found as in one piece.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "match/example.hpp"
#include "match/load_rules.hpp"
#include "match/matcher.hpp"

using namespace cleanerd;
using namespace cleanerd::match;

namespace {

using Found = std::vector<std::tuple<std::uint64_t, std::uint64_t, std::size_t, std::size_t>>;

const Matcher& the_matcher() {
  static const Matcher matcher = [] {
    std::vector<SecretValue> known;
    known.emplace_back("Vb7QkT2mXc9LwR4zHs8NdF3y");
    known.emplace_back("pa\"ss word/+&");
    auto made = Matcher::make(shipped_rules().set, std::move(known), {});
    if (!made) std::abort();
    return std::move(*made);
  }();
  return matcher;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  static Scanner scanner = std::move(*the_matcher().scanner());
  // The last two bytes say in what pieces the rest comes, how often it stands there, and whether it is an example to expand:
  // chance would never find a checksum.
  std::string bytes;
  std::string unit(reinterpret_cast<const char*>(data), size - 2);
  if ((data[size - 1] & 1) != 0)
    if (auto example = expand_example(unit, data[size - 2])) unit = std::move(*example);
  const std::size_t copies = data[size - 1] > 250 ? 1 + (300'000 / (unit.size() + 1)) : 1;
  for (std::size_t i = 0; i < copies; ++i) bytes += unit;
  Found whole, pieces;
  const auto into = [](Found& found) {
    return [&found](Match&& m) { found.emplace_back(m.begin, m.end, m.rule, m.known); };
  };
  scanner.begin("/fuzz/.env");
  scanner.scan(bytes, 0, Scanner::Part::last, into(whole));
  scanner.begin("/fuzz/.env");
  const std::size_t step = 1 + std::size_t{data[size - 2]} * 97;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto room = scanner.room();
    const std::size_t n = std::min({step, room.size(), bytes.size() - at});
    std::memcpy(room.data(), bytes.data() + at, n);
    scanner.filled(n, into(pieces));
    at += n;
  }
  scanner.finish(into(pieces));
  for (const auto& [begin, end, rule, known] : whole)
    if (begin > end || end > bytes.size()) std::abort();
  std::ranges::sort(whole);
  std::ranges::sort(pieces);
  if (whole != pieces) std::abort();
  return 0;
}
