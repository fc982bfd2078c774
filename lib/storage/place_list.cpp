#include "storage/place_list.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/secret_value.hpp"
#include "base/text.hpp"
#include "storage/file.hpp"
#include "storage/walk.hpp"

namespace cleanerd::storage {

PlaceList::PlaceList(const std::string& root) : root_(root + "/"), root_directory_(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

Stamp PlaceList::stamp(const std::string& path) const {
  return is_below_root(path) ? stamp_of(root_directory_, from_root(path)) : stamp_of(path);
}

Place* PlaceList::add(Place::Kind kind, const std::string& path, const Owner& owner, bool fixed) {
  auto known = by_path_.find(path);
  if (known == by_path_.end()) {
    const Stamp stamp = this->stamp(path);
    if (!stamp.exists()) return nullptr;
    known = by_path_.emplace(path, Place{.kind = kind, .path = path, .stamp = stamp}).first;
  }
  Place& place = known->second;
  place.kind = kind;
  place.fixed = place.fixed || fixed;
  place.owners.push_back(owner);
  return &place;
}

void PlaceList::found(Place::Kind kind, const std::string& path, Named named) {
  if (by_path_.contains(path)) return;
  const Stamp stamp = this->stamp(path);
  if (stamp.exists()) by_path_.emplace(path, Place{.kind = kind, .path = path, .unreferenced = named == Named::nowhere, .stamp = stamp});
}

void PlaceList::config(const std::string& image, engine::ImageConfig config) { configs_.emplace(image, std::move(config)); }

void PlaceList::unread(Error error) {
  if (error.code() != Errc::not_found) unread_.push_back(std::move(error));
}

Result<std::string> PlaceList::read_small_file(const std::string& path, std::size_t limit) const {
  if (is_below_root(path)) {
    if (auto text = storage::read_small_file(root_directory_, from_root(path), limit)) return text;
  }
  return storage::read_small_file(path, limit);  // an error of this names the whole path
}

std::optional<std::string> PlaceList::word_in(const std::string& path) const {
  constexpr std::size_t kLongest = 256;
  const auto text = read_small_file(path, kLongest);
  if (!text) return std::nullopt;
  const std::string word(trim(*text));
  // It becomes part of a path.
  if (word.empty() || word.find('/') != std::string::npos || word == "." || word == "..") return std::nullopt;
  return word;
}

Places PlaceList::finish() && {
  Places places;
  places.places_.reserve(by_path_.size());
  for (auto& [path, place] : by_path_) {
    std::ranges::sort(place.owners);
    place.owners.erase(std::unique(place.owners.begin(), place.owners.end()), place.owners.end());
    if (place.owners.empty()) {
      const Measured measured = measure(path);
      place.size = measured.bytes;
      place.changed = Instant(std::chrono::milliseconds(measured.changed / 1'000'000));
    }
    places.places_.push_back(std::move(place));
  }
  std::ranges::sort(places.places_, {}, &Place::path);
  places.configs_ = std::move(configs_);
  places.images_ = std::move(images_);
  places.unread_ = std::move(unread_);
  return places;
}

std::vector<std::string> names_in(const std::string& directory, PlaceList& list) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), &::closedir);
  if (!open) {
    list.unread(file_error(directory, errno));
    return names;
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(open.get());
    if (!entry) break;
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) list.unread(file_error(directory, errno));
  return names;
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

bool is_hex_id(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::vector<std::string> chain_ids(std::span<const std::string> diff_ids) {
  std::vector<std::string> chain;
  for (const std::string& id : diff_ids) chain.push_back(chain.empty() ? id : "sha256:" + sha256_hex(chain.back() + " " + id));
  return chain;
}

std::vector<std::string> chain_ids(const std::string& config) {
  using nlohmann::json;
  const json document = json::parse(config, nullptr, false);
  if (!document.is_object()) return {};
  const auto rootfs = document.find("rootfs");
  if (rootfs == document.end() || !rootfs->is_object()) return {};
  const auto diffs = rootfs->find("diff_ids");
  if (diffs == rootfs->end() || !diffs->is_array()) return {};
  std::vector<std::string> ids;
  for (const json& diff : *diffs) {
    const auto* id = diff.get_ptr<const std::string*>();
    if (!id) return {};
    ids.push_back(*id);
  }
  return chain_ids(ids);
}

}  // namespace cleanerd::storage
