#include "purge/exports.hpp"

#include <cstring>

#include "secrets/texts.hpp"

namespace cleanerd::purge {
namespace {

using inventory::Kind;

// What the engine sends, piece by piece, as a source that is asked for any number of bytes.
Status feed(engine::Body& body, const std::function<void(const match::ByteSource&)>& read) {
  std::string_view rest;
  Status status;
  read([&](std::span<char> out) -> std::ptrdiff_t {
    if (rest.empty()) {
      auto next = body.next();
      if (!next) {
        status = std::move(next).error();
        return -1;
      }
      rest = *next;
    }
    const std::size_t size = std::min(out.size(), rest.size());
    std::memcpy(out.data(), rest.data(), size);
    rest.remove_prefix(size);
    return static_cast<std::ptrdiff_t>(size);
  });
  return status;
}

template <class Export>
search::Stream stream_of(Export send) {
  return [send](const std::function<void(const match::ByteSource&)>& read) {
    return send([&](engine::Body& body) { return feed(body, read); });
  };
}

}  // namespace

void add_exports(const inventory::Inventory& inventory, const inventory::Host& host, secrets::Targets& targets,
                 std::vector<inventory::Unread>& unread) {
  if (inventory.places()) return;
  const engine::Client& client = host.client;
  const auto add = [&](std::size_t owner, std::string name, std::string revision, search::Stream stream) {
    targets.all.push_back({std::move(name), "", false, {}, std::move(stream), std::move(revision)});
    targets.export_owners.push_back(owner);
  };
  using Consume = engine::Client::Consume;
  for (std::size_t i = 0; i < inventory.objects().size(); ++i) {
    const inventory::Object& object = inventory[i];
    if (const auto* image = object.image()) {
      add(i, "export of " + image->summary.id.str(), "1", stream_of([&client, id = image->summary.id](const Consume& to) { return client.export_image(id, to); }));
    } else if (const auto* container = object.container(); container && inventory::is_container(object.kind) && object.kind != Kind::container_running) {
      const std::string revision = container->state + (container->finished ? format_rfc3339(*container->finished) : "");
      const ContainerId id = container->id;
      add(i, "export of " + id.str(), revision, stream_of([&client, id](const Consume& to) { return client.export_container(id, to); }));
      if (container->log_driver != "none")
        add(i, "logs of " + id.str(), revision, stream_of([&client, id](const Consume& to) { return client.container_logs(id, to); }));
    } else if (object.cache() || object.volume()) {
      unread.push_back({secrets::name_of(object), "its bytes are in the engine's data root, which cannot be read from here", {i}, {}});
    } else if (const auto* build = object.build(); build && host.history) {
      // Of a build that runs there is nothing yet.
      for (const std::string& digest : build->blobs)
        add(i, "blob " + digest, "1", stream_of([&history = *host.history, digest](const Consume& to) { return history.read_blob(digest, to); }));
    }
  }
}

}  // namespace cleanerd::purge
