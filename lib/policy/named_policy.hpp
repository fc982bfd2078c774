// One entry of `policies:`: which objects, what becomes of them, how far and when. Reference: docs/policies.md.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/match.hpp"
#include "policy/schedule.hpp"

namespace cleanerd::policy {

enum class Action { purge, report };
enum class Order { oldest, least_recently_used, largest };
std::string_view to_string(Action action);
std::string_view to_string(Order order);  // "least-recently-used"

// Bytes, or a part of the file system that the engine's data root is on.
struct Space {
  ByteSize bytes;
  std::optional<double> percent{};  // 0 to 100; takes the place of `bytes`

  // nullopt: a part of a disk that cannot be looked at.
  std::optional<ByteSize> of(const std::optional<DiskSpace>& disk) const;
};

// How far a policy goes. With both limits of space it goes on until both are kept.
struct Limits {
  std::optional<Space> max_used_space;     // of what the policy matches
  std::optional<Space> min_free_space;     // on the data root's file system
  std::optional<std::size_t> keep_newest;  // of what the policy matches; these stay whatever the space
  Order order = Order::oldest;             // what goes first under a limit of space

  bool has_space() const { return max_used_space || min_free_space; }
  bool any() const { return has_space() || keep_newest; }
};

struct NamedPolicy {
  std::string name;
  Match match;
  Action action = Action::purge;
  Limits limits;
  bool dry_run = false;  // what it would purge is told and kept
  std::optional<Schedule> schedule;
  std::string file;  // where it stands; empty: built in
  int line = 0;

  // What stands on an object holds what is in it: a policy about secrets takes that along. Every other one takes only what it matches,
  // and waits until nothing else stands on it.
  bool takes_along() const { return is_about_secrets() && !limits.any(); }
  bool is_about_secrets() const { return match.secret.value_or(false) || !match.rules.empty(); }
};

// `secrets`: what carries a secret goes.
NamedPolicy built_in_secrets();

}  // namespace cleanerd::policy
