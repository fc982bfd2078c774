#include "storage/image_list.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/text.hpp"
#include "engine/json_stream.hpp"
#include "storage/place_list.hpp"

namespace cleanerd::storage {

using nlohmann::json;

// {"Repositories": {"app": {"app:1": "sha256:…", "app@sha256:…": "sha256:…"}}}
std::optional<ImageList::Tags> ImageList::read_tags() const {
  const auto text = files_.read_small_file(folder_ + "/repositories.json");
  if (!text) return std::nullopt;
  const auto document = engine::parse_document(*text);
  if (!document || !document->is_object()) return std::nullopt;
  const auto repositories = document->find("Repositories");
  if (repositories == document->end() || !repositories->is_object()) return std::nullopt;
  Tags tags;
  for (const json& references : *repositories) {
    if (!references.is_object()) return std::nullopt;
    for (const auto& [reference, image] : references.items()) {
      const auto* id = image.get_ptr<const std::string*>();
      if (!id) return std::nullopt;
      if (!contains(reference, "@")) tags[*id].push_back(reference);
    }
  }
  return tags;
}

bool ImageList::read_parents() {
  const std::string folder = folder_ + "/imagedb/metadata/sha256";
  const std::size_t unread = files_.count_unread();
  std::unordered_set<std::string> with_metadata;
  for (std::string& name : names_in(folder, files_)) with_metadata.insert(std::move(name));
  if (files_.count_unread() != unread) return false;
  for (engine::ImageSummary& image : images_) {
    const std::string digest = image.id.str().substr(image.id.str().find(':') + 1);
    if (!with_metadata.contains(digest)) continue;
    const auto parent = files_.read_small_file(folder + "/" + digest + "/parent");
    if (parent) image.parent = ImageId(std::string(trim(*parent)));
    else if (parent.error().code() != Errc::not_found) return false;
  }
  return true;
}

void ImageList::add(const std::string& id, const engine::ImageConfig& config, std::span<const std::optional<std::int64_t>> sizes) {
  if (!complete_) return;
  engine::ImageSummary image;
  image.id = ImageId(id);
  image.labels = config.labels;
  for (const auto& size : sizes) {
    if (!size) return incomplete();  // the engine leaves an image out whose layers it does not have
    image.size += {*size};
  }
  // The API tells whole seconds, and nothing for what is no time.
  if (config.created && *config.created >= Instant(std::chrono::seconds(1)))
    image.created = std::chrono::floor<std::chrono::seconds>(*config.created);
  images_.push_back(std::move(image));
}

std::optional<std::vector<engine::ImageSummary>> ImageList::finish() && {
  if (!complete_ || !read_parents()) return std::nullopt;
  auto tags = read_tags();
  if (!tags) return std::nullopt;
  for (engine::ImageSummary& image : images_)
    if (const auto own = tags->find(image.id.str()); own != tags->end()) image.tags = std::move(own->second);
  std::ranges::sort(images_, [](const engine::ImageSummary& one, const engine::ImageSummary& other) {
    return one.created != other.created ? one.created > other.created : one.id.str() < other.id.str();
  });
  return std::move(images_);
}

}  // namespace cleanerd::storage
