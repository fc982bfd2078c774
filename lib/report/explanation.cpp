#include <algorithm>

#include "base/text.hpp"
#include "report/gate.hpp"
#include "report/render.hpp"
#include "report/rows.hpp"
#include "secrets/step_text.hpp"

namespace cleanerd::report {
namespace {

using inventory::Inventory;
using inventory::Kind;
using inventory::Object;
using plan::Index;

std::string what_it_is(Kind kind) {
  switch (kind) {
    case Kind::image_tagged: return "a tagged image";
    case Kind::image_dangling: return "an untagged image that nothing is built on";
    case Kind::image_intermediate: return "an untagged image that another image is built on";
    case Kind::container_build: return "a step container of the classic builder";
    case Kind::container_stopped: return "a stopped container that no build made";
    case Kind::container_running: return "a running container";
    case Kind::cache_regular: return "a record of BuildKit's build cache: what one step wrote";
    case Kind::cache_source_local: return "a build context (or Dockerfile) that a client sent to BuildKit";
    case Kind::cache_source_git: return "a git work tree that BuildKit checked out as a build context";
    case Kind::cache_mount: return "a cache mount (RUN --mount=type=cache)";
    case Kind::cache_frontend: return "the image of a Dockerfile frontend (# syntax=)";
    case Kind::cache_internal: return "an internal record of BuildKit";
    case Kind::history_record: return "BuildKit's record of a build: its arguments, logs and provenance";
    case Kind::builder_container: return "a builder of buildx that runs in a container";
    case Kind::builder_volume: return "the state of a builder of buildx: its cache and its build records";
    case Kind::leftover_executor: return "what an interrupted step of BuildKit left on the disk";
    case Kind::leftover_tmp: return "a temporary file or folder of the engine, of work that goes on or was interrupted";
    case Kind::leftover_ingest: return "content that the engine did not receive to its end";
    case Kind::orphan_layer: return "data of the engine that no image, container or record explains";
    case Kind::store_inactive: return "data of the image store that the engine no longer uses";
  }
  return {};
}

std::string list_of(const Inventory& inventory, std::span<const Index> indices) {
  constexpr std::size_t kShown = 5;
  std::string out;
  for (std::size_t n = 0; n < std::min(indices.size(), kShown); ++n) out += (n ? ", " : "") + inventory[indices[n]].id();
  if (indices.size() > kShown) out += " and " + std::to_string(indices.size() - kShown) + " more";
  return out;
}

std::string origin_sentence(const purge::Look& look, const Object& object) {
  if (const auto* image = object.image()) {
    if (image->config.created_by.empty()) return "Its history is not known.\n";
    return "Its last step: " + redact(secrets::command_of(image->config.created_by.back()), look.findings) + "\n";
  }
  if (const auto* container = object.container()) {
    std::string out = "It is " + printable(container->state, 20);
    if (container->state == "exited") out += " with status " + std::to_string(container->exit_code);
    return out + ", made from image " + container->image_id.short_form() + ", and runs: " +
           redact(container->args.empty() ? container->path : container->args.back(), look.findings) + "\n";
  }
  if (const auto* build = object.build()) {
    if (build->running) return "The build runs now.\n";
    std::string out = std::string("The build ") + (build->failed ? "failed" : "succeeded") + ". Its arguments:";
    bool any = false;
    for (const auto& [name, value] : build->attributes)
      if (name.starts_with("build-arg:")) out += (any ? ", " : " ") + printable(name.substr(10), 60), any = true;
    return out + (any ? ".\n" : " none.\n");
  }
  if (object.leftover() || object.volume()) return "";
  const auto& record = *object.cache();
  std::string out = "BuildKit describes it as: " + redact(record.description, look.findings) + "\n";
  if (record.shared) out += "Its layer belongs to an image, too.\n";
  return out;
}

std::string findings_of(std::span<const secrets::Finding> findings, const purge::Look& look, const Fingerprinter& fingerprint) {
  if (findings.empty()) return "No secret was found in it.\n";
  std::string out = "It carries " + plural(findings.size(), "secret finding") + ":\n";
  for (const secrets::Finding& finding : findings) {
    const FindingRow row = finding_row(finding, look.findings.known, fingerprint);
    out += "  - " + row.location + " (" + row.source + ", rule " + row.rule + ")";
    if (!row.fingerprint.empty()) out += ": " + row.masked + ", fingerprint " + row.fingerprint;
    out += "; known because of: " + row.origin + "\n";
  }
  return out;
}

std::string story_of(const purge::FreedPages& pages, const purge::Look& look, const Fingerprinter& fingerprint) {
  const std::string out = pages.id() + "\nThis is what freed pages of one of the engine's databases still hold: " + plural(static_cast<std::size_t>(pages.old_pages), "page") +
                          " with old bytes, " + to_string(pages.old_bytes) + ".\n" + findings_of(pages.findings, look, fingerprint) +
                          "A purge keeps it because it is in freed pages, which `cleanerctl scrub` zeroes while the engine is stopped.\n";
  return look.findings.known.redact(out);
}

std::string story_of(const purge::Look& look, Index index, const Fingerprinter& fingerprint) {
  const Inventory& inventory = look.inventory;
  const Object& object = inventory[index];
  const plan::Item& item = look.plan.items[index];
  const auto sentence_safe = [&](std::string_view text) { return look.findings.known.redact(text); };

  std::string out = object.id() + "\nThis is " + what_it_is(object.kind);
  if (const auto* image = object.image(); image && !image->summary.tags.empty()) {
    out += " (";
    for (std::size_t i = 0; i < image->summary.tags.size(); ++i) out += (i ? ", " : "") + printable(image->summary.tags[i], 80);
    out += ")";
  }
  if (const auto* container = object.container()) out += " named " + printable(container->name, 60);
  if (object.created()) out += ", made " + format_age(inventory.taken() - *object.created()) + " ago";
  if (object.size().bytes != 0) out += ", " + to_string(object.size());
  out += ".\n" + origin_sentence(look, object);
  if (const auto parents = inventory.parents(index); !parents.empty()) out += "It stands on " + list_of(inventory, parents) + ".\n";
  if (const auto children = inventory.children(index); !children.empty())
    out += "On it stand " + list_of(inventory, children) + ".\n";

  out += findings_of(look.findings.of[index], look, fingerprint);
  out += item.verdict == plan::Verdict::remove ? (item.prune ? "A purge prunes it" : "A purge removes it") : "A purge keeps it";
  for (std::size_t i = 0; i < item.reasons.size(); ++i)
    out += (i == 0 ? " because it " : ", and it ") + sentence_safe(item.reasons[i].text);
  out += ".\n";
  if (item.verdict == plan::Verdict::remove && !item.prune) {
    const auto descendants = inventory.descendants(index);
    if (!descendants.empty()) out += "With it go " + plural(descendants.size(), "object") + " that stand on it: " + list_of(inventory, descendants) + ".\n";
  }
  return sentence_safe(out);
}

Error not_unique(std::span<const std::string> ids) {
  constexpr std::size_t kShown = 5;
  std::string message = "this id is not unique:";
  for (const std::string& id : ids.subspan(0, std::min(ids.size(), kShown))) message += " " + id;
  return Error(Errc::usage, message);
}

}  // namespace

Result<std::string> explain(const purge::Look& look, std::string_view id, const Fingerprinter& fingerprint) {
  const auto objects = look.inventory.find(id);
  std::vector<const purge::FreedPages*> freed;
  for (const purge::FreedPages& pages : look.freed)
    if (pages.id() == id) freed.push_back(&pages);
  if (objects.size() == 1) return story_of(look, objects.front(), fingerprint);
  if (!freed.empty()) return story_of(*freed.front(), look, fingerprint);
  if (objects.empty()) {
    const std::vector<std::string> name{std::string(id)};
    if (const auto image = find_images(look.inventory, name)) return story_of(look, image->front(), fingerprint);
    return Error(Errc::usage, "there is no object with this id; `cleanerctl scan` lists them");
  }
  std::vector<std::string> ids;
  for (const Index object : objects) ids.push_back(look.inventory[object].id());
  return not_unique(ids);
}

}  // namespace cleanerd::report
