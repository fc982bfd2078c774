#include "report/gate.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "report/render.hpp"

namespace cleanerd::report {
namespace {

using inventory::Inventory;
using plan::Index;

constexpr std::size_t kShortestId = 4;

bool has_tag(const engine::ImageSummary& image, const std::string& name) {
  // The name's last part without a tag means "latest".
  const auto colon = name.rfind(':');
  const bool tagged = colon != std::string::npos && name.find('/', colon) == std::string::npos;
  return std::ranges::find(image.tags, tagged ? name : name + ":latest") != image.tags.end();
}

bool has_id(const ImageId& id, const std::string& name) {
  if (name.size() < kShortestId) return false;
  const std::string& full = id.str();
  return full.starts_with(name) || (full.starts_with("sha256:") && full.compare(7, name.size(), name) == 0);
}

// As Docker itself: the registry that is meant where none is named, and its folder where the name has no other.
std::string familiar(std::string name) {
  for (const std::string_view registry : {"docker.io/", "index.docker.io/"})
    if (name.starts_with(registry)) name.erase(0, registry.size());
  constexpr std::string_view kFolder = "library/";
  if (name.starts_with(kFolder) && name.find('/', kFolder.size()) == std::string::npos) name.erase(0, kFolder.size());
  return name;
}

Result<Index> find_image(const Inventory& inventory, const std::string& given) {
  const std::string name = familiar(given);
  const std::string id = given.starts_with("image.") ? std::string(inventory::engine_id_of(given)) : given;  // an object's own id is the engine's, too
  std::vector<Index> by_id;
  for (Index i = 0; i < inventory.objects().size(); ++i) {
    const auto* image = inventory[i].image();
    if (!image) continue;
    if (has_tag(image->summary, name)) return i;
    if (has_id(image->summary.id, id)) by_id.push_back(i);
  }
  const std::string shown = "'" + printable(given, 100) + "'";
  if (by_id.empty()) return Error(Errc::usage, "there is no image " + shown + "; `docker images` lists them");
  if (by_id.size() > 1) return Error(Errc::usage, "image " + shown + " is not unique; give more of its id");
  return by_id.front();
}

// The image and all that it is built on.
std::set<Index> with_ancestors(const Inventory& inventory, Index image) {
  std::set<Index> all;
  std::vector<Index> open{image};
  while (!open.empty()) {
    const Index at = open.back();
    open.pop_back();
    if (!inventory::is_image(inventory[at].kind) || !all.insert(at).second) continue;
    open.insert(open.end(), inventory.parents(at).begin(), inventory.parents(at).end());
  }
  return all;
}

std::string cure_of(const std::string& source) {
  if (source == "build-arg" || source == "history")
    return "a build argument, or a value in a command, stays in the history: hand it to the step with RUN --mount=type=secret,id=… instead";
  if (source == "env" || source == "label" || source == "description")
    return "ENV and LABEL are part of the image: hand the value to the container when it starts";
  return "a file stays in its layer, also when a later step deletes it: make it in a stage of its own and COPY --from only what is needed, "
         "or mount it with RUN --mount=type=secret; .dockerignore keeps it out of the context";
}

}  // namespace

Result<std::vector<Index>> find_images(const Inventory& inventory, std::span<const std::string> names) {
  std::vector<Index> images;
  for (const std::string& name : names) {
    auto image = find_image(inventory, name);
    if (!image) return std::move(image).error();
    if (std::ranges::find(images, *image) == images.end()) images.push_back(*image);
  }
  return images;
}

std::vector<Index> tagged_images(const Inventory& inventory) {
  std::vector<Index> images;
  for (Index i = 0; i < inventory.objects().size(); ++i)
    if (inventory[i].kind == inventory::Kind::image_tagged) images.push_back(i);
  return images;
}

Document gate_document(Document whole, const purge::Look& look, std::span<const Index> images) {
  std::map<std::string, const ObjectRow*> by_id;
  for (const ObjectRow& row : whole.objects) by_id.emplace(row.id, &row);
  Document document;
  document.command = whole.command;
  document.engine = whole.engine;
  document.taken = whole.taken;
  document.summary.scanned = whole.summary.scanned;
  document.summary.duration = whole.summary.duration;
  std::set<Index> parts;
  for (const Index image : images) {
    const auto own = by_id.find(look.inventory[image].id());
    if (own == by_id.end()) continue;
    ObjectRow row = *own->second;
    row.state = "found";
    row.findings.clear();
    row.reasons.clear();
    std::set<std::string> cures;
    std::set<std::tuple<std::string, std::string, std::string>> told;
    for (const Index part : with_ancestors(look.inventory, image)) {
      parts.insert(part);
      const auto found = by_id.find(look.inventory[part].id());
      if (found == by_id.end()) continue;
      for (const FindingRow& finding : found->second->findings) {
        if (!told.emplace(finding.source, finding.location, finding.fingerprint).second) continue;
        row.findings.push_back(finding);
        cures.insert(cure_of(finding.source));
      }
    }
    row.secret = !row.findings.empty();
    if (row.secret) row.reasons.push_back({"secret", "carries " + plural(row.findings.size(), "secret")});
    else row.reasons.push_back({"innocent", "carries no secret"});
    for (const std::string& cure : cures) row.reasons.push_back({"cure", cure});
    ++document.summary.objects;
    document.summary.secret_objects += row.secret;
    document.summary.remaining_secrets += row.secret;
    document.objects.push_back(std::move(row));
  }
  // What cannot be read elsewhere says nothing of these images.
  for (const inventory::Unread& place : whole.unread)
    if (place.owners.empty() || std::ranges::any_of(place.owners, [&](Index owner) { return parts.contains(owner); })) document.unread.push_back(place);
  document.complete = document.unread.empty();
  put_in_order(document.objects);
  return document;
}

std::string render_gate(const Document& document) {
  std::string out;
  for (const ObjectRow& row : document.objects) {
    out += (row.name.empty() ? row.id : row.name) + ": " + row.reasons.front().text + "\n";
    for (const FindingRow& finding : row.findings)
      out += "  " + finding.location + ": " + (finding.origin.empty() ? finding.rule : finding.origin) + (finding.masked.empty() ? "" : " " + finding.masked) + "\n";
    for (const plan::Reason& reason : row.reasons)
      if (reason.code == "cure") out += "  → " + reason.text + "\n";
  }
  const Summary& summary = document.summary;
  if (summary.secret_objects == 0) return out + (document.complete ? "May leave this host: no secret found.\n" : "");
  return out + "Must not leave this host: " + std::to_string(summary.secret_objects) + " of " + plural(summary.objects, "image") + " " +
         (summary.secret_objects == 1 ? "carries" : "carry") + " a secret.\n";
}

}  // namespace cleanerd::report
