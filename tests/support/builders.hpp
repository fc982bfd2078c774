// Inventories written down as scenarios: an_inventory().with(image("app").tagged("app:1").parent("base").step("RUN …")).
// A name becomes a readable id ("sha256:app000…"), and name_of turns an object back into its name.
#pragma once

#include <algorithm>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inventory/inventory.hpp"

namespace cleanerd::test {

inline const Instant kNow = Instant(std::chrono::sys_days(std::chrono::year(2026) / 3 / 14) + std::chrono::hours(15));

inline std::string padded(std::string_view name, std::size_t length) {
  std::string text(name);
  text.resize(length, '0');
  return text;
}

inline ImageId image_id(std::string_view name) { return ImageId("sha256:" + padded(name, 64)); }
inline ContainerId container_id(std::string_view name) { return ContainerId(padded(name, 64)); }
inline CacheId cache_id(std::string_view name) { return CacheId(padded(name, 25)); }

inline std::string name_of(const inventory::Object& object) {
  std::string name = object.engine_id();
  if (name.starts_with("sha256:")) name.erase(0, 7);
  name.erase(name.find_last_not_of('0') + 1);
  return name;
}

// A value that no rule of the project knows; a new one every time, so that none lies in the sources.
inline std::string new_secret(std::string_view prefix = "") {
  static std::mt19937_64 generator{std::random_device{}()};
  static constexpr std::string_view kAlphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ";
  std::string secret(prefix);
  for (int i = 0; i < 18; ++i) secret += kAlphabet[generator() % kAlphabet.size()];
  return secret + "7Qx4";
}

struct image {
  inventory::Image value;

  explicit image(std::string_view name) {
    value.summary.id = image_id(name);
    value.summary.created = kNow - std::chrono::hours(1);
    value.summary.size = {1 << 20};
  }
  image& tagged(std::string tag) { return value.summary.tags.push_back(std::move(tag)), *this; }
  image& parent(std::string_view name) { return value.summary.parent = image_id(name), *this; }
  image& step(std::string created_by) { return value.config.created_by.push_back(std::move(created_by)), *this; }
  image& step_command(std::vector<std::string> words) { return value.config.step_command = std::move(words), *this; }
  image& on_build(std::string instruction) { return value.config.on_build.push_back(std::move(instruction)), *this; }
  image& env(std::string variable) { return value.config.env.push_back(std::move(variable)), *this; }
  image& label(std::string name, std::string text) {
    value.config.labels.emplace(name, text);
    value.summary.labels.emplace(std::move(name), std::move(text));
    return *this;
  }
  image& aged(Duration age) { return value.summary.created = kNow - age, *this; }
};

struct container {
  engine::Container value;

  explicit container(std::string_view name) {
    value.id = container_id(name);
    value.name = name;
    value.state = "exited";
    value.log_driver = "json-file";
    value.created = kNow - std::chrono::hours(1);
    value.finished = value.created;
  }
  container& of(std::string_view image_name) {
    value.image_id = image_id(image_name);
    value.image_ref = std::string(image_name) + ":latest";
    return *this;
  }
  // As the classic builder makes one for a RUN step.
  container& build_step_on(std::string_view image_name) {
    value.image_id = image_id(image_name);
    value.image_ref = value.image_id.str();
    value.log_driver = "none";
    value.healthcheck_disabled = true;
    return *this;
  }
  container& is(std::string state, int exit_code = 0) {
    value.state = std::move(state);
    value.exit_code = exit_code;
    if (value.state != "exited" && value.state != "dead") value.finished.reset();
    return *this;
  }
  container& runs(std::vector<std::string> command) {
    value.path = command.empty() ? "" : command.front();
    value.args.assign(command.empty() ? command.begin() : command.begin() + 1, command.end());
    value.command = std::move(command);
    return *this;
  }
  container& env(std::string variable) { return value.env.push_back(std::move(variable)), *this; }
  container& label(std::string name, std::string text) {
    return value.labels.emplace(std::move(name), std::move(text)), *this;
  }
  // A builder of buildx, with its state.
  container& builder() {
    value.name = "buildx_buildkit_" + value.name + "0";
    value.volumes.emplace_back(value.name + "_state");
    return is("running");
  }
  container& ended(Duration ago) { return value.finished = kNow - ago, *this; }
};

struct record {
  engine::CacheRecord value;

  explicit record(std::string_view name) {
    value.id = cache_id(name);
    value.type = "regular";
    value.created = kNow - std::chrono::hours(1);
    value.last_used = kNow - std::chrono::minutes(30);
    value.size = {4096};
  }
  record& parent(std::string_view name) { return value.parents.push_back(cache_id(name)), *this; }
  record& type(std::string name) { return value.type = std::move(name), *this; }
  record& describes(std::string text) { return value.description = std::move(text), *this; }
  record& ran(const std::string& shell_text) { return describes("mount / from exec /bin/sh -c " + shell_text); }
  record& shared() { return value.shared = true, *this; }
  record& aged(Duration age) { return value.created = kNow - age, *this; }
  record& sized(std::int64_t bytes) { return value.size = {bytes}, *this; }
  record& in_use() { return value.in_use = true, *this; }
  record& used(Duration ago) { return value.last_used = kNow - ago, *this; }
};

struct volume {
  engine::Volume value;

  explicit volume(std::string name) { value.name = VolumeName(std::move(name)); }
  volume& label(std::string name, std::string text) {
    return value.labels.emplace(std::move(name), std::move(text)), *this;
  }
};

struct build {
  engine::BuildRecord value;

  explicit build(std::string_view name) {
    value.ref = BuildRef(padded(name, 25));
    value.created = kNow - std::chrono::hours(1);
    value.completed = value.created;
  }
  build& argument(const std::string& name, std::string text) {
    return value.attributes.emplace("build-arg:" + name, std::move(text)), *this;
  }
  build& attribute(std::string name, std::string text) {
    return value.attributes.emplace(std::move(name), std::move(text)), *this;
  }
  build& running() { return value.running = true, value.completed.reset(), *this; }
  build& ran(Duration from_ago, Duration to_ago) { return value.created = kNow - from_ago, value.completed = kNow - to_ago, *this; }
  build& failed(std::string error) { return value.failed = true, value.error = std::move(error), *this; }
};

class an_inventory {
 public:
  an_inventory() {
    snapshot.taken = kNow;
    snapshot.engine.version = "28.5.2";
    snapshot.engine.api = {1, 51};
    snapshot.engine.store = engine::ImageStore::graphdriver;
    snapshot.engine.storage_driver = "overlay2";
    snapshot.engine.data_root = "/var/lib/docker";
    snapshot.engine.id = "test-engine";
  }
  an_inventory& with(const image& one) { return snapshot.images.push_back(one.value), *this; }
  an_inventory& with(const container& one) { return snapshot.containers.push_back(one.value), *this; }
  an_inventory& with(const record& one) { return snapshot.cache.push_back(one.value), *this; }
  an_inventory& with(const build& one) { return snapshot.builds.push_back(one.value), *this; }
  an_inventory& with(const volume& one) { return snapshot.volumes.push_back(one.value), *this; }
  an_inventory& disk(std::int64_t total, std::int64_t free) { return snapshot.disk = DiskSpace{{total}, {free}}, *this; }
  an_inventory& classic_build(inventory::ClassicBuild state) { return snapshot.classic_build = state, *this; }
  an_inventory& unread(std::string place, std::string reason) {
    return snapshot.unread.push_back({std::move(place), std::move(reason)}), *this;
  }
  inventory::Inventory snapped() const { return inventory::Inventory(snapshot); }

  inventory::Snapshot snapshot;
};

inline inventory::Inventory::Index index_of(const inventory::Inventory& inventory, std::string_view name) {
  for (inventory::Inventory::Index i = 0; i < inventory.objects().size(); ++i)
    if (name_of(inventory[i]) == name) return i;
  throw std::out_of_range("no object named " + std::string(name));
}

inline std::vector<std::string> names_of(const inventory::Inventory& inventory,
                                         const std::vector<inventory::Inventory::Index>& indices) {
  std::vector<std::string> names;
  for (const auto index : indices) names.push_back(name_of(inventory[index]));
  return names;
}

template <class T>
std::vector<T> sorted(std::vector<T> all) {
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace cleanerd::test
