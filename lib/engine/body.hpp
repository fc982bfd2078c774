// A response body as it arrives.
#pragma once

#include <string_view>

#include "base/result.hpp"

namespace cleanerd::engine {

class Body {
 public:
  virtual ~Body() = default;
  // The next bytes, valid until the next call; empty at the end of a complete body.
  virtual Result<std::string_view> next() = 0;
};

}  // namespace cleanerd::engine
