#include "service/requests.hpp"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/text.hpp"
#include "match/codec.hpp"
#include "plan/filter.hpp"
#include "service/lifetime.hpp"

namespace cleanerd::service {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kUsualSession = std::chrono::hours(2);

// The string that the object has under this name, if it is one.
std::string* text_in(json& object, const char* name) {
  return object.is_object() && object.contains(name) ? object[name].get_ptr<std::string*>() : nullptr;
}

std::optional<SecretValue> decoded(std::string_view text) {
  const auto end = std::ranges::find_if_not(text, match::is_base64);
  const auto digits = static_cast<std::size_t>(end - text.begin());
  if (digits % 4 == 1 || text.find_first_not_of('=', digits) != std::string_view::npos) return std::nullopt;
  std::string bytes = match::base64_decode(text);
  SecretValue value(bytes);
  ::OPENSSL_cleanse(bytes.data(), bytes.size());
  return value;
}

// The document's secrets, which are taken out of it and wiped there.
Result<DeclaredSecrets> take_secrets(json& document) {
  DeclaredSecrets declared;
  const auto list = document.find("secrets");
  if (list == document.end()) return declared;
  if (!list->is_array()) return Error(Errc::usage, "'secrets' must be a list of {\"origin\", \"value\" or \"value_base64\"}");
  bool wrong = false;
  for (json& one : *list) {
    const auto *origin = text_in(one, "origin");
    auto *plain = text_in(one, "value"), *base64 = text_in(one, "value_base64");
    const std::optional<SecretValue> value = plain ? SecretValue(*plain) : base64 ? decoded(*base64) : std::nullopt;
    if (origin && value && value->size() != 0 && !(plain && base64)) declared.add(value->reveal(), printable(*origin, 100));
    else if (origin && one.size() == 1) declared.unsearchable.push_back(printable(*origin, 100));
    else wrong = true;
    for (std::string* text : {plain, base64})
      if (text) ::OPENSSL_cleanse(text->data(), text->size());
  }
  document.erase("secrets");
  if (wrong) return Error(Errc::usage, "'secrets' must be a list of {\"origin\", \"value\" or \"value_base64\"}");
  return declared;
}

Result<json> read_body(std::string_view body) {
  if (body.empty()) return json::object();
  json document = json::parse(body.begin(), body.end(), nullptr, false);
  if (!document.is_object()) return Error(Errc::usage, "the body must be a JSON object");
  return document;
}

// What was given of another type is told; what is left over is, too.
class Fields {
 public:
  explicit Fields(json document) : document_(std::move(document)) {}

  template <class T>
  T take(const char* name, T otherwise) {
    const auto found = document_.find(name);
    if (found == document_.end()) return otherwise;
    T value = otherwise;
    bool fits = !std::is_same_v<T, std::int64_t> || found->is_number_integer();  // the library would take a fraction, or true, for one
    try {
      if (fits) value = found->get<T>();
    } catch (const json::exception&) {
      fits = false;
    }
    if (!fits) wrong_ = std::string("'") + name + "' has the wrong type";
    document_.erase(name);
    return value;
  }
  Status end() const {
    if (!wrong_.empty()) return Error(Errc::usage, wrong_);
    if (!document_.empty()) return Error(Errc::usage, "unknown field '" + printable(document_.begin().key(), 60) + "'");
    return {};
  }

 private:
  json document_;
  std::string wrong_;
};

// The declared secrets and, of all else, the fields.
struct Body {
  DeclaredSecrets declared;
  Fields fields;
};

Result<Body> parse_body(std::string_view body) {
  auto document = read_body(body);
  if (!document) return std::move(document).error();
  auto declared = take_secrets(*document);
  if (!declared) return std::move(declared).error();
  return Body{std::move(*declared), Fields(std::move(*document))};
}

Result<Form> take_form(Fields& fields) {
  const auto format = report::parse_format(fields.take<std::string>("format", "json"));
  const bool colour = fields.take("colour", false);
  if (!format) return Error(Errc::usage, "'format' must be table, json, sarif or html");
  return Form{*format, colour};
}

}  // namespace

Result<JobRequest> parse_job_request(std::string_view body, Instant now) {
  auto parsed = parse_body(body);
  if (!parsed) return std::move(parsed).error();
  Fields& fields = parsed->fields;
  JobRequest request{.all = fields.take("all", false), .filters = fields.take("filters", std::vector<std::string>()),
                     .images = fields.take("images", std::vector<std::string>()), .object = fields.take<std::string>("object", ""),
                     .declared = std::move(parsed->declared)};
  auto form = take_form(fields);
  if (Status good = fields.end(); !good) return std::move(good).error();
  if (!form) return std::move(form).error();
  request.form = *form;
  if (auto filter = plan::parse_filter(request.filters, now); !filter) return std::move(filter).error();
  return request;
}

Result<SessionRequest> parse_session_request(std::string_view body, Instant now) {
  auto parsed = parse_body(body);
  if (!parsed) return std::move(parsed).error();
  Fields& fields = parsed->fields;
  SessionRequest request{.name = fields.take<std::string>("name", ""),
                         .lifetime = std::chrono::seconds(fields.take<std::int64_t>("lifetime_seconds", kUsualSession.count())),
                         .scope = {.command = fields.take<std::string>("command", "session"), .all = fields.take("all", false),
                                   .dry_run = fields.take("dry_run", false), .filters = fields.take("filters", std::vector<std::string>())},
                         .declared = std::move(parsed->declared)};
  if (Status good = fields.end(); !good) return std::move(good).error();
  if (request.lifetime < std::chrono::seconds(1) || request.lifetime > kLongestSession)
    return Error(Errc::usage, "'lifetime_seconds' must be between 1 and 86400");
  if (request.scope.command != "session" && request.scope.command != "run") return Error(Errc::usage, "'command' must be session or run");
  if (auto filter = plan::parse_filter(request.scope.filters, now); !filter) return std::move(filter).error();
  return request;
}

Result<EndRequest> parse_end_request(std::string_view body) {
  auto parsed = parse_body(body);
  if (!parsed) return std::move(parsed).error();
  auto form = take_form(parsed->fields);
  if (Status good = parsed->fields.end(); !good) return std::move(good).error();
  if (!form) return std::move(form).error();
  return EndRequest{.declared = std::move(parsed->declared), .form = *form};
}

}  // namespace cleanerd::service
