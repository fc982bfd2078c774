// The images or cache records (argument 2) of the engine at a socket (argument 1), each as one line: as the disk tells them, an empty line,
// as the API tells them.
#include <algorithm>
#include <iostream>

#include "engine/client.hpp"
#include "storage/cache_list.hpp"
#include "storage/places.hpp"

namespace {

using namespace cleanerd;

std::string line(const engine::ImageSummary& image) {
  std::vector<std::string> tags = image.tags;
  std::ranges::sort(tags);
  std::string text = image.id.str() + " parent=" + image.parent.str() + " created=" + (image.created ? format_rfc3339(*image.created) : "-") +
                     " size=" + std::to_string(image.size.bytes);
  for (const std::string& tag : tags) text += " " + tag;
  for (const auto& [name, value] : image.labels) text += " " + name + "=" + value;
  return text;
}

std::string line(const engine::CacheRecord& record) {
  const auto time = [](std::optional<Instant> at) { return at ? format_rfc3339(*at) : "-"; };
  std::vector<std::string> parents;
  for (const CacheId& parent : record.parents) parents.push_back(parent.str());
  std::ranges::sort(parents);
  std::string text = record.id.str() + " " + record.type + " created=" + time(record.created) + " used=" + time(record.last_used) +
                     " size=" + std::to_string(record.size.bytes) + " parents=";
  for (const std::string& parent : parents) text += parent + ",";
  return text + " " + record.description;
}

template <class Object>
void print(const std::vector<Object>& objects) {
  std::vector<std::string> lines;
  for (const Object& object : objects) lines.push_back(line(object));
  std::ranges::sort(lines);
  for (const std::string& text : lines) std::cout << text << "\n";
}

int fail(const std::string& what) {
  std::cerr << what << "\n";
  return 1;
}

}  // namespace

int main(int, char** argv) {
  const std::string what = argv[2];
  const auto endpoint = engine::parse_endpoint(argv[1]);
  if (!endpoint) return fail(endpoint.error().message());
  const auto client = engine::Client::connect(*endpoint);
  if (!client) return fail(client.error().message());
  const auto root = storage::DataRoot::open(client->engine(), *endpoint);
  if (!root || !root->belongs()) return fail("the data root is not there, or not for certain this engine's");
  if (what == "records") {
    const auto listed = client->list_cache_records();  // first: it has sizes measured that nobody has asked for
    if (!listed) return fail(listed.error().message());
    const auto on_disk = storage::read_cache_records(*root, client->engine());
    if (!on_disk) return fail(on_disk.error().message());
    print(*on_disk);
    std::cout << "\n";
    print(*listed);
    return 0;
  }
  auto places = storage::Places::read(*root, client->engine());
  if (!places) return fail(places.error().message());
  const auto on_disk = places->take_images();
  if (!on_disk) return fail("the disk does not tell all images");
  const auto listed = client->list_images();
  if (!listed) return fail(listed.error().message());
  const auto count = client->count_images();
  if (!count || *count != listed->size()) return fail("the engine counts other images than it lists");
  print(*on_disk);
  std::cout << "\n";
  print(*listed);
}
