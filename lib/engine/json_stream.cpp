#include "engine/json_stream.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/byte_size.hpp"

namespace cleanerd::engine {
namespace {

using boost::system::error_code;
using nlohmann::json;

// Builds one element at a time and hands it over when it closes. The events are those of Boost.JSON's basic_parser, which takes
// the text in pieces and reads it several times as fast as nlohmann's: half of a scan was spent there.
class ElementHandler {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;
  using Text = boost::json::string_view;

  // Without a key the elements are those of the top-level list; `whole` makes the document itself the only element.
  ElementHandler(std::string_view key, bool whole, const OnElement& on_element)
      : key_(key), whole_(whole), on_element_(on_element) {}

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& stop) { return or_stop(start(json::value_t::object), stop); }
  bool on_object_end(std::size_t, error_code& stop) { return or_stop(end(), stop); }
  bool on_array_begin(error_code& stop) { return or_stop(start(json::value_t::array), stop); }
  bool on_array_end(std::size_t, error_code& stop) { return or_stop(end(), stop); }
  bool on_key_part(Text text, std::size_t, error_code&) { return text_.append(text.data(), text.size()), true; }
  bool on_key(Text text, std::size_t, error_code&) {
    text_.append(text.data(), text.size());
    count_anew();
    if (!open_.empty()) pending_key_.swap(text_);
    else if (depth_ == 1) at_list_ = text_ == key_;
    text_.clear();
    return true;
  }
  bool on_string_part(Text text, std::size_t, error_code&) { return text_.append(text.data(), text.size()), true; }
  bool on_string(Text text, std::size_t, error_code& stop) {
    text_.append(text.data(), text.size());
    return or_stop(scalar(std::exchange(text_, {})), stop);
  }
  bool on_number_part(Text, error_code&) { return true; }
  bool on_int64(std::int64_t value, Text, error_code& stop) { return or_stop(scalar(value), stop); }
  bool on_uint64(std::uint64_t value, Text, error_code& stop) { return or_stop(scalar(value), stop); }
  bool on_double(double value, Text, error_code& stop) { return or_stop(scalar(value), stop); }
  bool on_bool(bool value, error_code& stop) { return or_stop(scalar(value), stop); }
  bool on_null(error_code& stop) { return or_stop(scalar(nullptr), stop); }
  bool on_comment_part(Text, error_code&) { return true; }
  bool on_comment(Text, error_code&) { return true; }

  bool found_list() const { return found_list_; }
  const std::optional<Error>& failure() const { return failure_; }
  // Bytes of the current element, or of the current token outside of one: what is skipped is not kept.
  std::size_t& counted() { return counted_; }

 private:
  static bool or_stop(bool goes_on, error_code& stop) {
    if (!goes_on) stop = boost::system::errc::make_error_code(boost::system::errc::operation_canceled);
    return goes_on;
  }
  bool fail(std::string message) {
    failure_ = Error(Errc::protocol, std::move(message));
    return false;
  }
  void count_anew() {
    if (open_.empty()) counted_ = 0;
  }
  bool inside_list() const { return whole_ || (list_depth_ != 0 && depth_ >= list_depth_); }

  bool start(json::value_t type) {
    count_anew();
    ++depth_;
    if (open_.empty() && !inside_list_below()) {
      const bool is_list = type == json::value_t::array && list_depth_ == 0 &&
                           ((key_.empty() && depth_ == 1) || (!key_.empty() && depth_ == 2 && at_list_));
      if (is_list) {
        list_depth_ = depth_;
        found_list_ = true;
      } else if (depth_ == 1 && (key_.empty() || type != json::value_t::object)) {
        return fail(key_.empty() ? "a JSON list was expected" : "a JSON object was expected");
      } else if (depth_ == 2 && at_list_ && list_depth_ == 0) {
        return fail("'" + std::string(key_) + "' is not a list");
      }
      return true;
    }
    open_.push_back(put(json(type)));
    return true;
  }

  // True when the container that opens now is an element of the list (or inside one).
  bool inside_list_below() const { return whole_ || (list_depth_ != 0 && depth_ > list_depth_); }

  bool end() {
    count_anew();
    --depth_;
    if (!open_.empty()) {
      open_.pop_back();
      return open_.empty() ? deliver() : true;
    }
    if (list_depth_ != 0 && depth_ < list_depth_) {
      list_depth_ = 0;
      at_list_ = false;
    }
    return true;
  }

  template <class T>
  bool scalar(T&& value) {
    count_anew();
    if (!open_.empty()) {
      put(json(std::forward<T>(value)));
      return true;
    }
    if (inside_list()) {
      element_ = json(std::forward<T>(value));
      return deliver();
    }
    if constexpr (std::is_same_v<std::decay_t<T>, std::nullptr_t>) {
      if ((depth_ == 1 && at_list_) || (depth_ == 0 && key_.empty())) {
        found_list_ = true;
        at_list_ = false;
        return true;
      }
    }
    if (depth_ == 0) return fail(key_.empty() ? "a JSON list was expected" : "a JSON object was expected");
    if (depth_ == 1 && at_list_) return fail("'" + std::string(key_) + "' is not a list");
    return true;
  }

  json* put(json value) {
    if (open_.empty()) {
      element_ = std::move(value);
      return &element_;
    }
    json& parent = *open_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    return &(parent[pending_key_] = std::move(value));
  }

  bool deliver() {
    counted_ = 0;
    Status status = on_element_(element_);
    element_ = nullptr;
    if (status) return true;
    failure_ = std::move(status).error();
    return false;
  }

  std::string_view key_;
  bool whole_;
  const OnElement& on_element_;
  int depth_ = 0;
  int list_depth_ = 0;       // depth inside the wanted array, 0 outside it
  bool at_list_ = false;     // the next value of the top-level object is the wanted one
  bool found_list_ = false;
  json element_;
  std::vector<json*> open_;  // containers of the element that is being built, outermost first
  std::string text_;         // the string or key that is being read
  std::string pending_key_;
  std::size_t counted_ = 0;
  std::optional<Error> failure_;
};

class Parser {
 public:
  Parser(std::string_view key, bool whole, const OnElement& on_element) : parser_(options(), key, whole, on_element) {}

  Status write(std::string_view piece) { return write(piece, true); }
  Status finish() { return write({}, false); }

  std::size_t counted() { return parser_.handler().counted(); }
  bool found_list() { return parser_.handler().found_list(); }

 private:
  static boost::json::parse_options options() {
    boost::json::parse_options options;
    options.max_depth = kMaxDepth;
    return options;
  }

  Status write(std::string_view piece, bool more) {
    parser_.handler().counted() += piece.size();
    error_code error;
    const std::size_t read = parser_.write_some(more, piece.data(), piece.size(), error);
    position_ += read;
    if (!error && read == piece.size()) return {};
    if (parser_.handler().failure()) return *parser_.handler().failure();
    if (error == boost::json::error::too_deep) return Error(Errc::protocol, "JSON nested deeper than " + std::to_string(kMaxDepth));
    // Without a word of the input, which may hold a secret.
    return Error(Errc::protocol, "malformed JSON at byte " + std::to_string(position_));
  }

  boost::json::basic_parser<ElementHandler> parser_;
  std::size_t position_ = 0;
};

}  // namespace

Status for_each_element(Body& body, std::string_view key, const OnElement& on_element, std::size_t element_limit) {
  Parser parser(key, false, on_element);
  for (;;) {
    auto piece = body.next();
    if (!piece) return std::move(piece).error();
    if (piece->empty()) break;
    if (Status written = parser.write(*piece); !written) return written;
    if (parser.counted() > element_limit)
      return Error(Errc::too_large, "a single JSON value exceeds " + to_string(ByteSize{static_cast<std::int64_t>(element_limit)}));
  }
  if (Status ended = parser.finish(); !ended) return ended;
  if (!parser.found_list()) return Error(Errc::protocol, "the answer has no '" + std::string(key) + "'");
  return {};
}

Result<json> parse_document(std::string_view text) {
  json document;
  const OnElement keep = [&](json& whole) -> Status {
    document = std::move(whole);
    return {};
  };
  Parser parser("", true, keep);
  if (Status written = parser.write(text); !written) return std::move(written).error();
  if (Status ended = parser.finish(); !ended) return std::move(ended).error();
  return document;
}

Result<std::string> read_text(Body& body) {
  std::string text;
  for (;;) {
    auto part = body.next();
    if (!part) return std::move(part).error();
    if (part->empty()) break;
    if (text.size() + part->size() > kMaxElementBytes)
      return Error(Errc::too_large, "the answer exceeds " + std::to_string(kMaxElementBytes >> 20) + " MiB");
    text += *part;
  }
  return text;
}

Result<json> read_document(Body& body) {
  auto text = read_text(body);
  if (!text) return std::move(text).error();
  return parse_document(*text);
}

}  // namespace cleanerd::engine
