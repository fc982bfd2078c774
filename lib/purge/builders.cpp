#include "purge/builders.hpp"

#include "base/text.hpp"

namespace cleanerd::purge {
namespace {

using Command = std::vector<std::string>;

// What the program writes may hold a secret: only its exit status is told.
Status succeed(const engine::Client& client, const ContainerId& builder, const Command& command) {
  auto result = client.exec(builder, command);
  if (!result) return std::move(result).error();
  if (result->exit_code == 0) return {};
  return Error(Errc::engine, "`buildctl " + command[1] + "` in container " + builder.short_form() + " ended with status " +
                                 std::to_string(result->exit_code));
}

// BuildKit cmd/buildctl/debug/histories.go: a line a build, its type first. From 0.11 on.
Status no_build_runs(const engine::Client& client, const ContainerId& builder) {
  auto builds = client.exec(builder, Command{"buildctl", "debug", "histories"});
  if (!builds) return std::move(builds).error();
  if (builds->exit_code != 0 || !builds->output.starts_with("TYPE"))
    return Error(Errc::conflict, "the builder does not tell whether a build runs in it");
  for (const std::string_view line : split(builds->output, '\n'))
    if (line.starts_with("STARTED")) return Error(Errc::conflict, "a build runs in the builder");
  return {};
}

}  // namespace

Status prune_builder(const engine::Client& client, const inventory::Inventory& inventory, inventory::Inventory::Index volume) {
  for (const inventory::Inventory::Index child : inventory.children(volume)) {
    const engine::Container* builder = inventory[child].container();
    if (builder->state != "running") continue;
    if (Status quiet = no_build_runs(client, builder->id); !quiet) return quiet;
    // The cache's prune ends with a collection, which takes the records' blobs, too.
    if (Status pruned = succeed(client, builder->id, {"buildctl", "prune-histories"}); !pruned) return pruned;
    return succeed(client, builder->id, {"buildctl", "prune", "--all"});
  }
  return Error(Errc::conflict, "the builder has stopped");
}

}  // namespace cleanerd::purge
