// A build's log as BuildKit keeps it in its history (application/vnd.buildkit.status.v0): what steps wrote, and their texts.
#pragma once

#include <string_view>

namespace cleanerd::match {

// Each StatusResponse of it follows its length, four bytes; the first tells of a step, whose first field is its digest. All but the frame is text.
inline bool is_build_log(std::string_view head) {
  using namespace std::string_view_literals;
  return head.size() > 24 && head[3] == '\0' && head[4] == '\x0a' && head.substr(0, 24).find("\x0a\x47sha256:"sv) != std::string_view::npos;
}

}  // namespace cleanerd::match
