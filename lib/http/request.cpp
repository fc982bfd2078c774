#include "http/request.hpp"

#include <algorithm>

namespace cleanerd::http {
namespace {

const std::string* find(const Parameters& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters)
    if (key == name) return &value;
  return nullptr;
}

}  // namespace

bool Peer::in_group(gid_t group) const { return gid == group || std::ranges::find(groups, group) != groups.end(); }

const std::string* Request::parameter(std::string_view name) const { return find(query, name); }

const std::string& Request::capture(std::string_view name) const {
  static const std::string kNone;
  const std::string* value = find(captures, name);
  return value ? *value : kNone;
}

}  // namespace cleanerd::http
