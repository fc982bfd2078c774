#include "inventory/collect.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "storage/cache_list.hpp"
#include "storage/data_root.hpp"

namespace cleanerd::inventory {
namespace {

using engine::Client;

constexpr std::size_t kParallelReads = 4;

struct Configs {
  std::vector<Result<engine::ImageConfig>> of;
  bool any_from_disk = false;
};

Configs read_configs(const Client& client, const std::optional<storage::DataRoot>& root, Result<storage::Places>& places,
                     const std::vector<engine::ImageSummary>& images) {
  Configs configs;
  configs.of.assign(images.size(), Error(Errc::not_found, ""));
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (auto config = places ? places->take_config(images[i].id) : std::nullopt) configs.of[i] = std::move(*config);
    else missing.push_back(i);
  }
  std::atomic<std::size_t> next{0};
  std::atomic<bool> any_from_disk{missing.size() < images.size()};
  const auto work = [&] {
    for (std::size_t n; (n = next++) < missing.size();) {
      const std::size_t i = missing[n];
      if (root) {
        if (auto config = root->image_config(images[i].id)) {
          configs.of[i] = std::move(config);
          any_from_disk = true;
          continue;
        }
      }
      configs.of[i] = client.image_config(images[i].id);
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(kParallelReads, missing.size()); ++i) helpers.emplace_back(work);
    work();
  }
  configs.any_from_disk = any_from_disk;
  return configs;
}

struct Listed {
  Result<std::vector<engine::ImageSummary>> images;
  Result<storage::Places> places;
  bool are_counted = true;  // false: the images are what the disk alone tells
};

// An engine that could not write its tags down has other ones than the disk.
bool has_room(const storage::DataRoot& root) {
  constexpr std::int64_t kRoom = 64 << 20;
  const auto disk = root.disk();
  return disk && disk->free.bytes >= kRoom;
}

// Images from the disk; for Lists::of_engine only where the engine has as many, which it takes much longer to list than to count
// (docs/decisions/0009). What a build writes or removes meanwhile is an object without a place, or a place without an object, for this time.
Listed list_images(const Host& host, const std::optional<storage::DataRoot>& root, Lists lists) {
  const Client& client = host.client;
  const auto read_places = [&]() -> Result<storage::Places> {
    if (!root) return Error(Errc::not_found, "it is not there");
    return storage::Places::read(*root, client.engine(), host.memory ? &host.memory->data_root : nullptr);
  };
  if (root && root->belongs() && client.engine().store == engine::ImageStore::graphdriver && has_room(*root)) {
    auto places_later = std::async(std::launch::async, read_places);
    std::optional<Result<std::size_t>> count;
    if (lists == Lists::of_engine) count = client.count_images();
    auto places = places_later.get();
    auto images = places && (!count || *count) ? places->take_images() : std::nullopt;
    if (images && (!count || images->size() == **count)) return {std::move(*images), std::move(places), count.has_value()};
  }
  auto places_later = std::async(std::launch::async, read_places);
  auto images = client.list_images();
  return {std::move(images), places_later.get(), true};
}

Result<std::vector<engine::CacheRecord>> list_records(const Client& client, const std::optional<storage::DataRoot>& root, Lists lists, bool& from_disk) {
  if (lists == Lists::on_disk && root && root->belongs()) {
    if (auto on_disk = storage::read_cache_records(*root, client.engine())) {
      from_disk = true;
      return on_disk;
    }
  }
  return client.list_cache_records();
}

Result<std::vector<engine::BuildRecord>> list_builds(const Host& host) {
  if (!host.history) return std::vector<engine::BuildRecord>();
  return host.history->list();
}

void take_places(Snapshot& snapshot, const storage::DataRoot& root, Result<storage::Places> places) {
  if (!places) {
    snapshot.unread.push_back({"the data root", places.error().message()});
    return;
  }
  for (const Error& error : places->unread()) snapshot.unread.push_back({"the data root", error.message()});
  if (std::ranges::any_of(places->all(), [](const storage::Place& place) { return place.unreferenced; })) snapshot.engine_process = root.process();
  snapshot.places = std::move(*places);
  snapshot.data_root = root.path();
  snapshot.data_root_of_engine = root.path_of_engine();
  snapshot.data_root_is_sure = root.belongs();
}

bool ends_the_look(Errc code) {
  return code == Errc::unreachable || code == Errc::cancelled || code == Errc::permission || code == Errc::timeout;
}

}  // namespace

Result<Inventory> collect(const Host& host, Lists lists) {
  const Client& client = host.client;
  Snapshot snapshot;
  snapshot.engine = client.engine();
  snapshot.taken = system_now();
  const auto root = storage::DataRoot::open(client.engine(), client.endpoint());
  // Looked at before and after the listing: a build that ends in between may have left a last image.
  const std::optional<bool> building_before = root ? root->classic_build_running() : std::nullopt;

  bool records_from_disk = false;
  auto containers_later = std::async(std::launch::async, [&] { return client.list_containers(); });
  auto cache_later = std::async(std::launch::async, [&] { return list_records(client, root, lists, records_from_disk); });
  auto builds_later = std::async(std::launch::async, [&] { return list_builds(host); });
  auto volumes_later = std::async(std::launch::async, [&] { return client.list_builder_volumes(); });
  auto [images, places, are_counted] = list_images(host, root, lists);
  Configs configs;
  if (images) configs = read_configs(client, root, places, *images);
  auto containers = containers_later.get();
  auto cache = cache_later.get();
  auto builds = builds_later.get();
  auto volumes = volumes_later.get();
  snapshot.from_disk_alone = records_from_disk || !are_counted;
  if (!images) return std::move(images).error();
  if (!containers) return std::move(containers).error();
  if (!cache) return std::move(cache).error();
  if (!builds) return std::move(builds).error();
  if (!volumes) {
    if (volumes.error().code() == Errc::cancelled) return std::move(volumes).error();
    snapshot.unread.push_back({"builders' volumes", volumes.error().message()});
    snapshot.unlisted.push_back(Kind::builder_volume);
  }

  for (std::size_t i = 0; i < images->size(); ++i) {
    auto& config = configs.of[i];
    if (!config && config.error().code() == Errc::not_found) continue;  // removed since it was listed
    if (!config && ends_the_look(config.error().code())) return std::move(config).error();
    const ImageId id = (*images)[i].id;
    if (!config) snapshot.unread_images.emplace_back(id, config.error().message());
    snapshot.images.push_back({std::move((*images)[i]), std::move(config).value_or(engine::ImageConfig())});
  }
  snapshot.containers = std::move(*containers);
  snapshot.cache = std::move(*cache);
  snapshot.builds = std::move(*builds);
  if (volumes) snapshot.volumes = std::move(*volumes);
  if (!host.history && may_hide_build_history(client.engine()))
    snapshot.unread.push_back({"build history", "this engine does not offer BuildKit's control API on its socket"});

  const std::optional<bool> building_after = root ? root->classic_build_running() : std::nullopt;
  const bool root_is_known = root && (root->belongs() || configs.any_from_disk);
  if (root_is_known) take_places(snapshot, *root, std::move(places));
  if (root_is_known) snapshot.disk = root->disk();
  if (!root_is_known || !building_before || !building_after) snapshot.classic_build = ClassicBuild::unknown;
  else if (*building_before || *building_after) snapshot.classic_build = ClassicBuild::running;
  for (const engine::Container& container : snapshot.containers)
    if (is_build_step(container) && container.state == "running") snapshot.classic_build = ClassicBuild::running;
  return Inventory(std::move(snapshot));
}

}  // namespace cleanerd::inventory
