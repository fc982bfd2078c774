// Which objects a policy is about. Reference: docs/policies.md.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/byte_size.hpp"
#include "base/time.hpp"
#include "inventory/inventory.hpp"
#include "secrets/findings.hpp"

namespace cleanerd::policy {

struct LabelRule {
  std::string name;
  std::optional<std::string> value;  // any value when absent

  bool matches(const engine::Labels& labels) const;
  friend bool operator==(const LabelRule&, const LabelRule&) = default;
};

// Keys are combined by and, the values of one key by or; a key that is absent matches everything.
struct Match {
  std::vector<std::string> kinds;      // globs over the kind: "cache.*"
  std::optional<bool> secret;          // whether it carries one
  std::vector<std::string> rules;      // globs over the rules of its findings
  std::optional<Duration> older_than;  // since it was made
  std::optional<Duration> unused_for;  // since it was last used, see last_use
  std::optional<ByteSize> larger_than;
  std::vector<LabelRule> labels;
  std::vector<std::string> images;     // globs over an image's tags
  std::vector<std::string> builds;     // globs over a build's reference

  bool empty() const;
  // The kind stands there as it is, not as a glob.
  bool names(inventory::Kind kind) const;
  bool matches(const inventory::Object& object, std::span<const secrets::Finding> findings, Instant now) const;
};

// A cache record's last use (its making where it was never used again), a container's end, a build's end; nullopt for what the engine
// does not tell of, and a policy with `unused_for` leaves that alone.
std::optional<Instant> last_use(const inventory::Object& object);

// Whether a glob over kinds fits any kind that a policy can be about: all but running containers.
bool is_kind_glob(std::string_view glob);

}  // namespace cleanerd::policy
