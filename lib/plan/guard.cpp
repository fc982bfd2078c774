#include "plan/guard.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.hpp"

namespace cleanerd::plan {
namespace {

using inventory::ClassicBuild;
using inventory::Inventory;
using inventory::Kind;
using inventory::Object;

// The last step was written by BuildKit: its entries start with the instruction, the classic builder's with the shell.
bool made_by_buildkit(const inventory::Image& image) {
  static constexpr std::array<std::string_view, 17> kInstructions{
      "RUN ",   "COPY ",   "ADD ",        "ENV ",        "ARG ",     "LABEL ", "CMD ",       "ENTRYPOINT ", "WORKDIR ",
      "USER ", "EXPOSE ", "VOLUME ",     "STOPSIGNAL ", "ONBUILD ", "SHELL ", "HEALTHCHECK ", "MAINTAINER "};
  if (image.config.created_by.empty()) return false;
  const std::string& last = image.config.created_by.back();
  return std::ranges::any_of(kInstructions, [&](std::string_view instruction) { return last.starts_with(instruction); });
}

// In its own files or logs; how it was configured is in the hands of who made it.
bool wrote_a_secret(std::span<const secrets::Finding> findings) {
  return std::ranges::any_of(findings, [](const secrets::Finding& finding) {
    return finding.source == secrets::Source::content || finding.source == secrets::Source::log || finding.source == secrets::Source::path;
  });
}

}  // namespace

Guard::Guard(const Inventory& inventory, const policy::Policy& policy, Instant now)
    : inventory_(inventory), policy_(policy), now_(now), buildkit_works_(inventory.buildkit_works()) {
  const auto any_build = [&](bool running) {
    return std::ranges::any_of(inventory.objects(), [&](const Object& object) { return object.build() && object.build()->running == running; });
  };
  const bool is_idle = any_build(false) && !any_build(true);
  // BuildKit has a record in use for ever once its removal was broken off (docs/decisions/0012).
  in_use_ = is_idle ? "is in use, though no build runs; where it stays so a prune was broken off, and a restart of the engine ends it"
                    : "is in use by a running build";
}

std::optional<Reason> Guard::operator()(const Object& object, std::span<const secrets::Finding> findings, Named named) const {
  if (object.kind == Kind::leftover_executor) return executor_guard();
  if (is_on_disk_only(object.kind)) return leftover_guard(object);
  if (const auto reason = protected_by_policy(object)) return reason;
  if (is_builder(object.kind)) return builder_guard(object);
  if (const auto* image = object.image()) return image_guard(object, *image, named, !findings.empty());
  if (const auto* container = object.container()) return container_guard(object, *container, named == Named::yes || wrote_a_secret(findings));
  if (const auto* record = object.cache(); record && record->in_use) return Reason{"in-use", in_use_};
  if (const auto* record = object.build(); record && record->running) return Reason{"running", "is the record of a build that runs now"};
  return std::nullopt;
}

bool Guard::may_prune(Index index) const {
  const auto allows = [&](const Object& object) { return is_builder(object.kind) && !protected_by_policy(object); };
  const auto builders = inventory_.children(index);
  return inventory_[index].kind == Kind::builder_volume && allows(inventory_[index]) &&
         std::ranges::all_of(builders, [&](Index builder) { return allows(inventory_[builder]); }) &&
         std::ranges::any_of(builders, [&](Index builder) { return inventory_[builder].container()->state == "running"; });
}

std::optional<Reason> Guard::builder_guard(const Object& object) const {
  if (object.container() && inventory::is_up(*object.container())) return Reason{"running", "is a builder that runs"};
  if (policy_.remove_orphaned_builders) return std::nullopt;
  return Reason{"builder", "is a builder's; the configuration does not let a purge remove builders that do not run"};
}

std::optional<Reason> Guard::protected_by_policy(const Object& object) const {
  for (const auto& rule : policy_.protected_labels)
    if (rule.matches(object.labels())) return Reason{"protected", "is protected by its label " + printable(rule.name, 80)};
  if (const auto* image = object.image())
    for (const std::string& glob : policy_.protected_images)
      if (glob_match(glob, object.engine_id()) || std::ranges::any_of(image->summary.tags, [&](const std::string& tag) { return glob_match(glob, tag); }))
        return Reason{"protected", "is protected by the image rule " + printable(glob, 80)};
  return std::nullopt;
}

std::optional<Reason> Guard::image_guard(const Object& object, const inventory::Image& image, Named named, bool secret) const {
  if (object.kind == Kind::image_tagged) {
    if (named == Named::yes) return std::nullopt;  // a build gives its image the tag when it has ended
    const std::string advice = secret ? "; rebuild it without the secret and remove it yourself" : "";
    return Reason{"tagged", "has a tag (" + printable(image.summary.tags[0], 80) + ")" + advice};
  }
  if (made_by_buildkit(image)) return std::nullopt;
  return classic_guard(object.created());
}

// A step has its directory while it runs, and its mutable record is in use for as long.
std::optional<Reason> Guard::executor_guard() const {
  if (!inventory_.data_root_is_sure())
    return Reason{"not-reachable", "lies in a data root that is not for certain this engine's; it is reported, and left alone"};
  if (buildkit_works_) return Reason{"build-running", "may belong to the build that runs now"};
  return std::nullopt;
}

// What may be removed by hand, and is nobody's for certain.
std::optional<Reason> Guard::leftover_guard(const Object& object) const {
  const inventory::Leftover& left = *object.leftover();
  if (left.collectable) return std::nullopt;
  // A build's directories are nobody's until it has ended.
  if (object.kind == Kind::orphan_layer && buildkit_works_) return Reason{"build-running", "may belong to a build that runs now"};
  if (std::ranges::find(policy_.removed_leftovers, object.kind) == policy_.removed_leftovers.end())
    return Reason{"not-reachable", "is known to no API of the engine; it is reported, and left alone"};
  if (!left.unreferenced)
    return Reason{"referenced", "may be named by what the engine keeps on the disk, or be collected by its containerd; it is left alone"};
  if (!inventory_.data_root_is_sure() || !inventory_.engine_process())
    return Reason{"not-reachable", "lies in a data root that is not for certain this engine's; it is reported, and left alone"};
  if (buildkit_works_ || inventory_.classic_build() != ClassicBuild::none) return Reason{"build-running", "may belong to a build that runs now"};
  if (left.changed >= inventory_.at_work_since())
    return Reason{"recent", "was changed within a day and since the engine started: it may be of work that goes on"};
  return std::nullopt;
}

std::optional<Reason> Guard::container_guard(const Object& object, const engine::Container& container, bool is_residue) const {
  if (object.kind == Kind::container_running || container.state == "running" || container.state == "paused" || container.state == "restarting")
    return Reason{"running", object.kind == Kind::container_build ? "is a build step that runs now" : "is a running container"};
  if (object.kind != Kind::container_build) return stopped_guard(container, is_residue);
  // A step that failed ends its build; one that succeeded is committed before it goes.
  if (container.state == "exited" && container.exit_code != 0) return std::nullopt;
  return classic_guard(container.finished ? container.finished : object.created());
}

// What a container wrote before it ended is residue of its job when it holds a secret, unless somebody means to start it again. A policy
// that names the kind makes every one residue.
std::optional<Reason> Guard::stopped_guard(const engine::Container& container, bool is_residue) const {
  if (!is_residue || container.state == "created") return Reason{"not-residue", "is a stopped container that no build made"};
  if (policy_.protect_stopped_containers) return Reason{"protected", "is protected by the rule for stopped containers"};
  if (!container.restart_policy.empty() && container.restart_policy != "no")
    return Reason{"managed", "has the restart policy " + printable(container.restart_policy, 40) + ": it is meant to run again"};
  for (const char* label : {"com.docker.compose.project", "com.docker.swarm.service.id", "io.kubernetes.pod.uid"})
    if (container.labels.contains(label)) return Reason{"managed", "belongs to a service (label " + std::string(label) + ")"};
  return std::nullopt;
}

// Between two steps nothing on the engine holds what a classic build still needs.
std::optional<Reason> Guard::classic_guard(std::optional<Instant> since) const {
  switch (inventory_.classic_build()) {
    case ClassicBuild::none: return std::nullopt;
    case ClassicBuild::running: return Reason{"build-running", "may be needed by the classic build that runs now"};
    case ClassicBuild::unknown:
      if (since && now_ - *since >= policy_.quiet_period) return std::nullopt;
      return Reason{"quiet-period", "is younger than the quiet period, a classic build may still need it"};
  }
  return std::nullopt;
}

}  // namespace cleanerd::plan
