#include "policy/named_policy.hpp"

namespace cleanerd::policy {

std::string_view to_string(Action action) {
  switch (action) {
    case Action::purge: return "purge";
    case Action::report: return "report";
  }
  return {};
}

std::string_view to_string(Order order) {
  switch (order) {
    case Order::oldest: return "oldest";
    case Order::least_recently_used: return "least-recently-used";
    case Order::largest: return "largest";
  }
  return {};
}

std::optional<ByteSize> Space::of(const std::optional<DiskSpace>& disk) const {
  if (!percent) return bytes;
  if (!disk) return std::nullopt;
  return ByteSize{static_cast<std::int64_t>(static_cast<double>(disk->total.bytes) * *percent / 100)};
}

NamedPolicy built_in_secrets() {
  NamedPolicy policy;
  policy.name = "secrets";
  policy.match.secret = true;
  return policy;
}

}  // namespace cleanerd::policy
