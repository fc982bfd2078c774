#include "match/known_variants.hpp"

#include <openssl/crypto.h>

#include <array>
#include <bitset>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace cleanerd::match {
namespace {

class Builder {
 public:
  explicit Builder(KnownVariants& out) : out_(out) {}

  void value(std::size_t known, std::string_view bytes) {
    known_ = known;
    first_ = out_.variants.size();
    forms(bytes);
    // A key is also found when its lines were indented, joined or quoted one by one.
    if (contains(bytes, "\n")) lines(bytes);
  }

 private:
  void forms(std::string_view bytes) {
    add(Encoding::plain, std::string(bytes));
    for (const Base64 alphabet : {Base64::standard, Base64::url})
      for (std::size_t alignment = 0; alignment < 3; ++alignment) add(Encoding::base64, aligned(bytes, alphabet, alignment), true);
    for (const bool upper_case : {true, false}) {
      add(Encoding::percent, percent_encode(bytes, upper_case));
      add(Encoding::hex, hex_encode(bytes, upper_case));
    }
    for (const JsonStyle style : {JsonStyle::plain, JsonStyle::html_safe, JsonStyle::slashes}) {
      const std::string once = json_escape(bytes, style);
      add(Encoding::json, once);
      add(Encoding::json, json_escape(once, style));  // JSON in a JSON string, as in a container's log
    }
    for (const ShellQuotes quotes : {ShellQuotes::single_closed, ShellQuotes::single_doubled, ShellQuotes::double_quotes,
                                     ShellQuotes::backslashes})
      add(Encoding::shell, shell_quote(bytes, quotes));
    add(Encoding::xml, xml_escape(bytes));
    add(Encoding::utf16, widened(bytes));
  }

  void lines(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::string_view line = trim(bytes.substr(0, bytes.find('\n')));
      if (line.size() >= 16 && !line.starts_with("-----")) add(Encoding::plain, std::string(line));
      bytes.remove_prefix(std::min(bytes.find('\n'), bytes.size() - 1) + 1);
    }
  }

  // The characters that do not depend on what stands before and after.
  static std::string aligned(std::string_view bytes, Base64 alphabet, std::size_t alignment) {
    std::string text = base64_encode(std::string(alignment, '\0') + std::string(bytes), alphabet);
    const std::size_t first = (alignment * 8 + 5) / 6;
    const std::size_t last = (alignment + bytes.size()) * 8 / 6;
    std::string stable = text.substr(first, last - first);
    OPENSSL_cleanse(text.data(), text.size());
    return stable;
  }

  // Without the last zero byte, so that it is found in either byte order.
  static std::string widened(std::string_view bytes) {
    std::string wide;
    wide.reserve(bytes.size() * 2);
    for (const char c : bytes) (wide += c) += '\0';
    wide.pop_back();
    return wide;
  }

  void add(Encoding encoding, std::string bytes, bool wraps = false) {
    if (bytes.size() >= kMinKnown && !stands(bytes)) {
      const std::size_t size = std::min(bytes.size(), kMaxCompared);
      out_.variants.push_back({known_, encoding, wraps, out_.arena.size(), size});
      out_.arena.insert(out_.arena.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      anchor(out_.variants.size() - 1);
    }
    OPENSSL_cleanse(bytes.data(), bytes.size());
  }

  bool stands(std::string_view bytes) const {
    for (std::size_t i = first_; i < out_.variants.size(); ++i)
      if (out_.bytes(out_.variants[i]) == bytes.substr(0, kMaxCompared)) return true;
    return false;
  }

  void anchor(std::size_t index) {
    const Variant& variant = out_.variants[index];
    if (variant.wraps && variant.size >= 16) {
      // Lines of base64 are at least 60 characters, so an end of line falls into one of the two at most.
      const std::size_t half = std::min<std::size_t>(variant.size / 2, 16);
      out_.anchors.push_back({index, 0, half});
      out_.anchors.push_back({index, half, half});
    } else if (variant.size <= kMaxAnchor) {
      out_.anchors.push_back({index, 0, variant.size});
    } else {
      out_.anchors.push_back({index, rarest(out_.bytes(variant).substr(0, 512)), kMaxAnchor});
    }
  }

  // The window with the most distinct bytes: a header or an indentation would be found everywhere.
  static std::size_t rarest(std::string_view bytes) {
    std::size_t best = 0, most = 0;
    for (std::size_t at = 0; at + kMaxAnchor <= bytes.size(); ++at) {
      std::bitset<256> seen;
      for (const char c : bytes.substr(at, kMaxAnchor)) seen.set(static_cast<unsigned char>(c));
      if (seen.count() > most) {
        most = seen.count();
        best = at;
      }
    }
    return best;
  }

  KnownVariants& out_;
  std::size_t known_ = 0;
  std::size_t first_ = 0;
};

}  // namespace

KnownVariants make_variants(std::span<const SecretValue> values) {
  KnownVariants out;
  Builder builder(out);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].size() < kMinKnown) out.unsearchable.push_back(i);
    else builder.value(i, values[i].reveal());
  }
  return out;
}

std::size_t variant_end(std::string_view variant, bool wraps, std::string_view text, std::size_t at) {
  if (!wraps) return text.substr(at).starts_with(variant) ? at + variant.size() : std::string_view::npos;
  for (const char c : variant) {
    for (;; ++at) {
      if (at >= text.size()) return std::string_view::npos;
      if (text[at] == '\n' || text[at] == '\r') continue;
      if (text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == 'n' || text[at + 1] == 'r')) {
        ++at;
        continue;
      }
      break;
    }
    if (text[at] != c) return std::string_view::npos;
    ++at;
  }
  return at;
}

}  // namespace cleanerd::match
