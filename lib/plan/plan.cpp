#include "plan/plan.hpp"

#include <algorithm>
#include <iterator>
#include <array>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "base/text.hpp"

namespace cleanerd::plan {
namespace {

using inventory::ClassicBuild;
using inventory::Inventory;
using inventory::Kind;
using inventory::Object;

std::string name_of(const Object& object) {
  if (const auto* image = object.image())
    return image->summary.tags.empty() ? "image " + image->summary.id.short_form() : "image " + printable(image->summary.tags[0], 80);
  if (const auto* container = object.container()) return "container " + printable(container->name, 60);
  if (const auto* record = object.cache()) return "cache record " + record->id.short_form();
  if (const auto* record = object.build()) return "the record of build " + record->ref.short_form();
  if (const auto* volume = object.volume()) return "volume " + printable(volume->name.str(), 80);
  return printable(object.leftover()->name, 120);
}

// The last step was written by BuildKit: its entries start with the instruction, the classic builder's with the shell.
bool made_by_buildkit(const inventory::Image& image) {
  static constexpr std::array<std::string_view, 17> kInstructions{
      "RUN ",   "COPY ",   "ADD ",        "ENV ",        "ARG ",     "LABEL ", "CMD ",       "ENTRYPOINT ", "WORKDIR ",
      "USER ", "EXPOSE ", "VOLUME ",     "STOPSIGNAL ", "ONBUILD ", "SHELL ", "HEALTHCHECK ", "MAINTAINER "};
  if (image.config.created_by.empty()) return false;
  const std::string& last = image.config.created_by.back();
  return std::ranges::any_of(kInstructions, [&](std::string_view instruction) { return last.starts_with(instruction); });
}

// Why an object may not go, whatever carries a secret. Depends on it alone, not on what stands on it.
class Guard {
 public:
  Guard(const Inventory& inventory, const policy::Policy& policy, Instant now)
      : inventory_(inventory), policy_(policy), now_(now), buildkit_works_(inventory.buildkit_works()) {}

  std::optional<Reason> operator()(const Object& object, std::span<const secrets::Finding> findings) const {
    if (object.kind == Kind::leftover_executor) return executor_guard();
    if (is_on_disk_only(object.kind)) return leftover_guard(object);
    if (const auto reason = protected_by_policy(object)) return reason;
    if (is_builder(object.kind)) return builder_guard(object);
    if (const auto* image = object.image()) return image_guard(object, *image);
    if (const auto* container = object.container()) return container_guard(object, *container, findings);
    if (const auto* record = object.cache(); record && record->in_use) return Reason{"in-use", "is in use by a running build"};
    if (const auto* record = object.build(); record && record->running) return Reason{"running", "is the record of a build that runs now"};
    return std::nullopt;
  }

  // The state of a builder that runs can be pruned from within. Nothing but builders may stand on it.
  bool may_prune(Index i) const {
    const auto allows = [&](const Object& object) { return is_builder(object.kind) && !protected_by_policy(object); };
    const auto builders = inventory_.children(i);
    return inventory_[i].kind == Kind::builder_volume && allows(inventory_[i]) &&
           std::ranges::all_of(builders, [&](Index builder) { return allows(inventory_[builder]); }) &&
           std::ranges::any_of(builders, [&](Index builder) { return inventory_[builder].container()->state == "running"; });
  }

 private:
  std::optional<Reason> builder_guard(const Object& object) const {
    if (object.container() && inventory::is_up(*object.container())) return Reason{"running", "is a builder that runs"};
    if (policy_.remove_orphaned_builders) return std::nullopt;
    return Reason{"builder", "is a builder's; the configuration does not let a purge remove builders that do not run"};
  }

  std::optional<Reason> protected_by_policy(const Object& object) const {
    for (const auto& rule : policy_.protected_labels) {
      const auto label = object.labels().find(rule.name);
      if (label != object.labels().end() && (!rule.value || *rule.value == label->second))
        return Reason{"protected", "is protected by its label " + printable(rule.name, 80)};
    }
    if (const auto* image = object.image())
      for (const std::string& glob : policy_.protected_images)
        if (glob_match(glob, object.engine_id()) || std::ranges::any_of(image->summary.tags, [&](const std::string& tag) { return glob_match(glob, tag); }))
          return Reason{"protected", "is protected by the image rule " + printable(glob, 80)};
    return std::nullopt;
  }

  std::optional<Reason> image_guard(const Object& object, const inventory::Image& image) const {
    if (object.kind == Kind::image_tagged)
      return Reason{"tagged", "has a tag (" + printable(image.summary.tags[0], 80) + "); rebuild it without the secret and remove it yourself"};
    if (made_by_buildkit(image)) return std::nullopt;
    return classic_guard(object.created());
  }

  // A step has its directory while it runs, and its mutable record is in use for as long.
  std::optional<Reason> executor_guard() const {
    if (!inventory_.data_root_is_sure())
      return Reason{"not-reachable", "lies in a data root that is not for certain this engine's; it is reported, and left alone"};
    if (buildkit_works_) return Reason{"build-running", "may belong to the build that runs now"};
    return std::nullopt;
  }

  // What may be removed by hand, and is nobody's for certain.
  std::optional<Reason> leftover_guard(const Object& object) const {
    const inventory::Leftover& left = *object.leftover();
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

  std::optional<Reason> container_guard(const Object& object, const engine::Container& container,
                                        std::span<const secrets::Finding> findings) const {
    if (container.state == "running" || container.state == "paused" || container.state == "restarting")
      return Reason{"running", object.kind == Kind::container_build ? "is a build step that runs now" : "is a running container"};
    if (object.kind != Kind::container_build) return stopped_guard(container, findings);
    // A step that failed ends its build; one that succeeded is committed before it goes.
    if (container.state == "exited" && container.exit_code != 0) return std::nullopt;
    return classic_guard(container.finished ? container.finished : object.created());
  }

  // What a container wrote before it ended is residue of its job when it holds a secret, unless somebody means to start it again. How
  // it was configured is not: that is in the hands of who made it.
  std::optional<Reason> stopped_guard(const engine::Container& container, std::span<const secrets::Finding> findings) const {
    const bool wrote_one = std::ranges::any_of(findings, [](const secrets::Finding& finding) {
      return finding.source == secrets::Source::content || finding.source == secrets::Source::log || finding.source == secrets::Source::path;
    });
    if (!wrote_one || container.state == "created") return Reason{"not-residue", "is a stopped container that no build made"};
    if (policy_.protect_stopped_containers) return Reason{"protected", "is protected by the rule for stopped containers"};
    if (!container.restart_policy.empty() && container.restart_policy != "no")
      return Reason{"managed", "has the restart policy " + printable(container.restart_policy, 40) + ": it is meant to run again"};
    for (const char* label : {"com.docker.compose.project", "com.docker.swarm.service.id", "io.kubernetes.pod.uid"})
      if (container.labels.contains(label)) return Reason{"managed", "belongs to a service (label " + std::string(label) + ")"};
    return std::nullopt;
  }

  // Between two steps nothing on the engine holds what a classic build still needs.
  std::optional<Reason> classic_guard(std::optional<Instant> since) const {
    switch (inventory_.classic_build()) {
      case ClassicBuild::none: return std::nullopt;
      case ClassicBuild::running: return Reason{"build-running", "may be needed by the classic build that runs now"};
      case ClassicBuild::unknown:
        if (since && now_ - *since >= policy_.quiet_period) return std::nullopt;
        return Reason{"quiet-period", "is younger than the quiet period, a classic build may still need it"};
    }
    return std::nullopt;
  }

  const Inventory& inventory_;
  const policy::Policy& policy_;
  Instant now_;
  bool buildkit_works_;
};

int phase(Kind kind) {
  return is_container(kind) ? 0 : is_image(kind) ? 1 : is_cache(kind) ? 2 : is_history(kind) ? 3 : is_builder(kind) ? 4 : 5;
}

}  // namespace

Plan make_plan(const Inventory& inventory, const secrets::Findings& findings, const policy::Policy& policy,
               const Selection& selection, Instant now) {
  const std::size_t count = inventory.objects().size();
  const Guard guard(inventory, policy, now);
  std::unordered_set<std::string_view> unfinished;  // by engine id: an image's kind changes when it loses its last child
  for (const std::string& id : selection.unfinished) unfinished.insert(inventory::engine_id_of(id));

  Plan plan;
  plan.items.resize(count);
  std::vector<std::optional<Reason>> guarded(count), blocked(count);
  std::vector<bool> wanted(count), pruned(count);
  const auto children_first = inventory.children_first();
  const auto need = [&](Index i) -> std::optional<Reason> {
    for (const Index child : inventory.children(i)) {
      if (!blocked[child]) continue;
      const bool by_filter = blocked[child]->code == "filtered";
      return Reason{by_filter ? "filtered" : "needed", "is needed by " + name_of(inventory[child]) + ", which " + blocked[child]->text};
    }
    return std::nullopt;
  };

  for (const Index i : children_first) {
    const Object& object = inventory[i];
    guarded[i] = guard(object, findings.of[i]);
    blocked[i] = guarded[i];
    if (!blocked[i]) blocked[i] = need(i);
    const bool carries = findings.carries(i);
    const bool selected = carries || selection.all || unfinished.contains(object.engine_id());
    const bool by_filter = !selection.filter.matches(object, findings.of[i]);
    if (!blocked[i] && by_filter) blocked[i] = Reason{"filtered", "is left out by the filter"};
    pruned[i] = selected && !by_filter && guard.may_prune(i);
    wanted[i] = selected && !blocked[i];
  }
  // A cycle, which only a broken answer has, knows no order: what blocks one of it blocks it all.
  for (bool changed = true; changed;) {
    changed = false;
    for (const Index i : children_first) {
      if (blocked[i] || !(blocked[i] = need(i))) continue;
      wanted[i] = false;
      changed = true;
    }
  }

  std::vector<bool> goes(count);
  for (auto at = children_first.rbegin(); at != children_first.rend(); ++at) {
    const Index i = *at;
    Item& item = plan.items[i];
    item.object = i;
    std::optional<Index> removed_parent;
    for (const Index parent : inventory.parents(i))
      if (goes[parent] && !removed_parent) removed_parent = parent;
    item.secret = findings.carries(i);
    goes[i] = wanted[i] || removed_parent.has_value();
    item.prune = pruned[i] && !goes[i];
    item.verdict = goes[i] || item.prune ? Verdict::remove : Verdict::keep;
    if (item.secret) item.reasons.push_back({"secret", "carries " + plural(findings.of[i].size(), "secret finding")});
    if (removed_parent) item.reasons.push_back({"descends", "stands on " + name_of(inventory[*removed_parent]) + ", which is removed"});
    if (unfinished.contains(inventory[i].engine_id())) item.reasons.push_back({"unfinished", "an interrupted purge had set out to remove it"});
    if (item.prune) {
      item.reasons.push_back({"prune", "belongs to a builder that runs: its cache and build records are removed, it stays"});
    } else if (goes[i]) {
      if (item.reasons.empty()) item.reasons.push_back({"all", "is residue of a finished build (--all)"});
    } else if (blocked[i]) {
      item.reasons.push_back(*blocked[i]);
    } else {
      item.reasons.push_back({"innocent", "carries no secret"});
    }
  }

  std::ranges::copy_if(children_first, std::back_inserter(plan.removal), [&](Index i) { return plan.items[i].verdict == Verdict::remove; });
  std::ranges::stable_sort(plan.removal, {}, [&](Index i) { return phase(inventory[i].kind); });
  return plan;
}

}  // namespace cleanerd::plan
