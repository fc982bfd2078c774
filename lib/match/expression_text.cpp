#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <string_view>

#include "match/expression.hpp"
#include "match/text_spans.hpp"

namespace cleanerd::match {
namespace {

// Reads an expression as far as it is plain; nullopt: other bytes than text can match, or it is not understood.
class Reader {
 public:
  explicit Reader(std::string_view pattern) : rest_(pattern) {}

  std::optional<std::size_t> whole() {
    const auto width = alternatives();
    return rest_.empty() ? width : std::nullopt;
  }

 private:
  using Width = std::optional<std::size_t>;

  bool take(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }

  char next() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  Width alternatives() {
    Width least = sequence();
    while (least && take("|")) {
      const Width other = sequence();
      if (!other) return std::nullopt;
      least = std::min(*least, *other);
    }
    return least;
  }

  Width sequence() {
    std::size_t total = 0;
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      const Width atom = one();
      const Width times = atom ? repeats() : std::nullopt;
      if (!times) return std::nullopt;
      total += *atom * *times;
    }
    return total;
  }

  Width one() {
    if (take("(")) return group();
    if (take("[")) return set();
    const char c = next();
    if (c == '\\') return rest_.empty() ? std::nullopt : escape() ? Width(escaped_is_empty_ ? 0 : 1) : std::nullopt;
    if (std::string_view(".$*+?{").find(c) != std::string_view::npos) return std::nullopt;
    if (c == '^') return 0;
    return is_text(c) ? Width(1) : std::nullopt;
  }

  // `(?i)` and the like stand for nothing by themselves.
  Width group() {
    if (take("?")) {
      while (!rest_.empty() && std::string_view("ims").find(rest_.front()) != std::string_view::npos) rest_.remove_prefix(1);
      if (take(")")) return 0;
      if (!take(":")) return std::nullopt;
    }
    const Width width = alternatives();
    return width && take(")") ? width : std::nullopt;
  }

  Width set() {
    if (rest_.starts_with("^") || rest_.starts_with("]")) return std::nullopt;
    while (!take("]")) {
      if (rest_.empty() || rest_.starts_with("[:")) return std::nullopt;
      const char c = next();
      if (c == '\\' ? rest_.empty() || !escape() || escaped_is_empty_ : !is_text(c)) return std::nullopt;
      // A range from a control character holds more than text.
      if (c == '\\' && !escaped_is_punctuation_ && rest_.starts_with("-") && !rest_.starts_with("-]")) return std::nullopt;
    }
    return 1;
  }

  // What follows a backslash: whether it is text, or an end of a word.
  bool escape() {
    const char c = next();
    escaped_is_empty_ = c == 'b';
    escaped_is_punctuation_ = std::ispunct(static_cast<unsigned char>(c)) != 0;
    if (c == 'x') {
      unsigned value = 0;
      if (rest_.size() < 2 || std::from_chars(rest_.data(), rest_.data() + 2, value, 16).ptr != rest_.data() + 2) return false;
      rest_.remove_prefix(2);
      return is_text(static_cast<char>(value));
    }
    return std::isalnum(static_cast<unsigned char>(c)) ? std::string_view("bdwstnrf").find(c) != std::string_view::npos : is_text(c);
  }

  // How often at least what stands before is there.
  Width repeats() {
    std::size_t least = 1;
    if (take("?") || take("*")) least = 0;
    else if (take("+")) least = 1;
    else if (take("{")) {
      const auto end = std::from_chars(rest_.data(), rest_.data() + rest_.size(), least).ptr;
      const auto close = rest_.find('}');
      if (end == rest_.data() || close == std::string_view::npos) return std::nullopt;
      rest_.remove_prefix(close + 1);
    }
    (void)(take("?") || take("+"));
    return least;
  }

  std::string_view rest_;
  bool escaped_is_empty_ = false, escaped_is_punctuation_ = false;
};

}  // namespace

std::size_t text_width(const std::string& pattern) { return Reader(pattern).whole().value_or(0); }

}  // namespace cleanerd::match
