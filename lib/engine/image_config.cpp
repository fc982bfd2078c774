// Read event by event: a host has thousands of these, and as documents they took a scan more time than all it asks the engine.
#include <boost/json/basic_parser_impl.hpp>
#include <vector>

#include "engine/decode.hpp"
#include "engine/json_stream.hpp"

namespace cleanerd::engine {
namespace {

using boost::system::error_code;

// Where a value stands. What is told nowhere below is `other`, with all that is in it.
enum class Place { other, document, created, config, variables, variable, triggers, trigger, labels, label, step_config, command, word, history, step, created_by, rootfs, layers, layer };

enum class Shape { object, list, text, null, other };

Place member(Place object, std::string_view key) {
  switch (object) {
    case Place::document:
      if (key == "config" || key == "Config") return Place::config;
      if (key == "container_config" || key == "ContainerConfig") return Place::step_config;
      if (key == "history") return Place::history;
      if (key == "rootfs") return Place::rootfs;
      if (key == "created" || key == "Created") return Place::created;
      return Place::other;
    case Place::config:
      if (key == "Env") return Place::variables;
      if (key == "OnBuild") return Place::triggers;
      return key == "Labels" ? Place::labels : Place::other;
    case Place::step_config: return key == "Cmd" ? Place::command : Place::other;
    case Place::step: return key == "created_by" ? Place::created_by : Place::other;
    case Place::rootfs: return key == "diff_ids" ? Place::layers : Place::other;
    case Place::labels: return Place::label;
    default: return Place::other;
  }
}

Place element(Place list) {
  switch (list) {
    case Place::variables: return Place::variable;
    case Place::triggers: return Place::trigger;
    case Place::command: return Place::word;
    case Place::history: return Place::step;
    case Place::layers: return Place::layer;
    default: return Place::other;
  }
}

bool fits(Place place, Shape shape) {
  switch (place) {
    case Place::other:
    case Place::created: return true;
    case Place::document:
    case Place::step: return shape == Shape::object;
    case Place::config:
    case Place::step_config:
    case Place::rootfs:
    case Place::labels: return shape == Shape::object || shape == Shape::null;
    case Place::history: return shape == Shape::list || shape == Shape::null;
    case Place::variables:
    case Place::triggers:
    case Place::command:
    case Place::layers: return shape == Shape::list || shape == Shape::text || shape == Shape::null;
    case Place::label:
    case Place::created_by: return shape == Shape::text || shape == Shape::null;
    case Place::variable:
    case Place::trigger:
    case Place::word:
    case Place::layer: return shape == Shape::text;
  }
  return false;
}

const char* name_of(Place place) {
  switch (place) {
    case Place::config: return "config";
    case Place::variables:
    case Place::variable: return "config.Env";
    case Place::triggers:
    case Place::trigger: return "config.OnBuild";
    case Place::labels:
    case Place::label: return "config.Labels";
    case Place::step_config: return "container_config";
    case Place::command:
    case Place::word: return "container_config.Cmd";
    case Place::history: return "history";
    case Place::step: return "step of history";
    case Place::created_by: return "created_by of history";
    case Place::rootfs: return "rootfs";
    case Place::layers:
    case Place::layer: return "rootfs.diff_ids";
    default: return "document";
  }
}

// The events are those of Boost.JSON's basic_parser.
class Reader {
 public:
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;
  using Text = boost::json::string_view;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code& stop) { return open(Shape::object, stop); }
  bool on_object_end(std::size_t, error_code&) { return close(); }
  bool on_array_begin(error_code& stop) { return open(Shape::list, stop); }
  bool on_array_end(std::size_t, error_code&) { return close(); }
  bool on_key_part(Text text, std::size_t, error_code&) { return key_.append(text.data(), text.size()), true; }
  bool on_key(Text text, std::size_t, error_code&) {
    key_.append(text.data(), text.size());
    next_ = member(open_.back().place, key_);
    if (next_ == Place::label) label_.swap(key_);
    key_.clear();
    return true;
  }
  bool on_string_part(Text text, std::size_t, error_code&) { return next() == Place::other || (text_.append(text.data(), text.size()), true); }
  bool on_string(Text text, std::size_t, error_code& stop) {
    if (!check(Shape::text, stop)) return false;
    if (next() != Place::other) keep(text_.append(text.data(), text.size()));
    text_.clear();
    return true;
  }
  bool on_number_part(Text, error_code&) { return true; }
  bool on_int64(std::int64_t, Text, error_code& stop) { return check(Shape::other, stop); }
  bool on_uint64(std::uint64_t, Text, error_code& stop) { return check(Shape::other, stop); }
  bool on_double(double, Text, error_code& stop) { return check(Shape::other, stop); }
  bool on_bool(bool, error_code& stop) { return check(Shape::other, stop); }
  bool on_null(error_code& stop) { return check(Shape::null, stop); }
  bool on_comment_part(Text, error_code&) { return true; }
  bool on_comment(Text, error_code&) { return true; }

  ImageConfig& image() { return image_; }
  const char* misplaced() const { return misplaced_; }  // what has a wrong type; null: nothing

 private:
  struct Open {
    Place place;
    bool is_list;
  };

  Place next() const { return open_.empty() ? Place::document : open_.back().is_list ? element(open_.back().place) : next_; }

  bool check(Shape shape, error_code& stop) {
    if (fits(next(), shape)) return true;
    misplaced_ = name_of(next());
    stop = boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
    return false;
  }

  bool open(Shape shape, error_code& stop) {
    if (!check(shape, stop)) return false;
    open_.push_back({next(), shape == Shape::list});
    if (open_.back().place == Place::step) image_.created_by.emplace_back();
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  void keep(std::string& text) {
    switch (next()) {
      case Place::variables:
      case Place::variable: image_.env.push_back(std::move(text)); break;
      case Place::triggers:
      case Place::trigger: image_.on_build.push_back(std::move(text)); break;
      case Place::command:
      case Place::word: image_.step_command.push_back(std::move(text)); break;
      case Place::layers:
      case Place::layer: image_.diff_ids.push_back(std::move(text)); break;
      case Place::created: image_.created = parse_rfc3339(text); break;
      case Place::created_by: image_.created_by.back() = std::move(text); break;
      case Place::label: image_.labels.emplace(std::move(label_), std::move(text)); break;
      default: break;
    }
  }

  ImageConfig image_;
  std::vector<Open> open_;
  Place next_ = Place::document;  // of the member whose key was read last
  std::string key_, text_, label_;
  const char* misplaced_ = nullptr;
};

}  // namespace

Result<ImageConfig> decode_image_config(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::json::basic_parser<Reader> parser(options);
  error_code error;
  const std::size_t read = parser.write_some(false, text.data(), text.size(), error);
  if (!error && read == text.size()) return std::move(parser.handler().image());
  if (const char* what = parser.handler().misplaced()) return Error(Errc::protocol, std::string("image config: '") + what + "' has a wrong type");
  return Error(Errc::protocol, "image config: malformed JSON at byte " + std::to_string(read));
}

}  // namespace cleanerd::engine
