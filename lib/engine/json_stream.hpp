// JSON read as it streams: a list is handed over element by element, so that memory does not grow with it.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/result.hpp"
#include "engine/body.hpp"

namespace cleanerd::engine {

// The element is the callee's to move from.
using OnElement = std::function<Status(nlohmann::json&)>;

// Limits of one element, and of a whole small document: no object of the API comes near them.
inline constexpr std::size_t kMaxElementBytes = 4u << 20;
inline constexpr int kMaxDepth = 64;

// The elements of the array under `key` of the top-level object, or of the top-level array when `key` is empty.
// `null` in place of the array is an empty list, as Go writes one. Errc::protocol when it is not JSON or of another shape,
// Errc::too_large when an element exceeds the limits; an error of `on_element` or of the body ends the reading.
Status for_each_element(Body& body, std::string_view key, const OnElement& on_element,
                        std::size_t element_limit = kMaxElementBytes);

// A whole small document.
Result<nlohmann::json> parse_document(std::string_view text);
Result<nlohmann::json> read_document(Body& body);
Result<std::string> read_text(Body& body);

}  // namespace cleanerd::engine
