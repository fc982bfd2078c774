// Why an object may not go, whatever carries a secret and whatever the policies say. Internal to the library.
#pragma once

#include <optional>
#include <span>

#include "plan/reason.hpp"
#include "policy/policy.hpp"
#include "secrets/findings.hpp"

namespace cleanerd::plan {

// Whether a policy that would purge the object names its kind: tagged images and people's stopped containers go only then.
enum class Named { no, yes };

// Depends on the object alone, not on what stands on it.
class Guard {
 public:
  Guard(const inventory::Inventory& inventory, const policy::Policy& policy, Instant now);

  std::optional<Reason> operator()(const inventory::Object& object, std::span<const secrets::Finding> findings, Named named) const;
  // The state of a builder that runs can be pruned from within. Nothing but builders may stand on it.
  bool may_prune(Index index) const;

 private:
  std::optional<Reason> protected_by_policy(const inventory::Object& object) const;
  std::optional<Reason> builder_guard(const inventory::Object& object) const;
  std::optional<Reason> image_guard(const inventory::Object& object, const inventory::Image& image, Named named, bool secret) const;
  std::optional<Reason> executor_guard() const;
  std::optional<Reason> leftover_guard(const inventory::Object& object) const;
  std::optional<Reason> container_guard(const inventory::Object& object, const engine::Container& container, bool is_residue) const;
  std::optional<Reason> stopped_guard(const engine::Container& container, bool is_residue) const;
  std::optional<Reason> classic_guard(std::optional<Instant> since) const;

  const inventory::Inventory& inventory_;
  const policy::Policy& policy_;
  Instant now_;
  bool buildkit_works_;
  const char* in_use_;
};

}  // namespace cleanerd::plan
