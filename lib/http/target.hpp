// The target of a request line in origin form (RFC 9112 §3.2.1): "/v1/builds?all=1".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/request.hpp"

namespace cleanerd::http {

struct Target {
  std::string path;
  Parameters query;
};

// None for another form, a wrong percent-encoding or a NUL.
std::optional<Target> parse_target(std::string_view target);

// What stands between the slashes of a path, decoded: "/a/b%2Fc" is "a" and "b/c". None for a wrong percent-encoding.
std::optional<std::vector<std::string>> segments_of(std::string_view path);

}  // namespace cleanerd::http
