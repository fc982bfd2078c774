#include "service/session_share.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include "base/text.hpp"
#include "report/gate.hpp"

namespace cleanerd::service {
namespace {

// A file's time of change is that of the kernel's last tick.
constexpr std::chrono::seconds kTick{1};

// The engine tells an image's time in whole seconds.
Instant whole_seconds(Instant time) { return std::chrono::floor<std::chrono::seconds>(time); }

bool came_since(const inventory::Object& object, Instant since) {
  return object.created() && *object.created() >= (object.image() ? whole_seconds(since) : since);
}

// A classic build's context has nothing that tells whether that build runs.
bool is_classic_context(const inventory::Object& object) {
  return object.kind == inventory::Kind::leftover_tmp && contains(object.leftover()->name, "tmp/docker-builder");
}

// A record can also be in use for ever, where a prune was broken off.
bool any_build_runs(const inventory::Inventory& inventory) {
  const auto runs = [](const inventory::Object& object) { return object.build() && object.build()->running; };
  const auto is_known = [](const inventory::Object& object) { return object.build() != nullptr; };
  return inventory.classic_build() != inventory::ClassicBuild::none || std::ranges::any_of(inventory.objects(), runs) || std::ranges::none_of(inventory.objects(), is_known);
}

bool runs(const inventory::Inventory& inventory, const plan::Item& item) {
  if (is_classic_context(inventory[item.object])) return inventory.classic_build() == inventory::ClassicBuild::running;
  return std::ranges::any_of(item.reasons, [](const plan::Reason& reason) { return reason.code == "in-use" || reason.code == "build-running"; });
}

class Share {
 public:
  Share(const purge::Look& after, const Session& session, const engine::Client& engine, const Fingerprinter& fingerprint)
      : after_(after), session_(session), engine_(engine), fingerprint_(fingerprint) {
    for (const secrets::KnownValue& value : session.declared) declared_.insert(fingerprint(value.value));
    if (any_build_runs(after.inventory))
      for (const secrets::KnownValue& value : session.of_others) of_others_.insert(fingerprint(value.value));
  }

  // Ids of what carries a secret still and is the session's.
  std::set<std::string> left() const {
    std::set<std::string> ids;
    for (const plan::Item& item : after_.plan.items) {
      if (!item.secret) continue;
      const inventory::Object& object = after_.inventory[item.object];
      const bool is_running = runs(after_.inventory, item);
      if (holds_declared(item.object, is_running) || (!is_running && came_since(object, session_.since))) ids.insert(object.id());
    }
    return ids;
  }

  // What a gate tells of the images that were made or tagged meanwhile; only those that must not leave the host.
  std::vector<report::ObjectRow> leaky_images() const {
    // What an image has from another is charged to that one.
    if (std::ranges::none_of(after_.plan.items, [&](const plan::Item& item) { return item.secret && after_.inventory[item.object].image(); })) return {};
    const auto whole = report::make_document(report::Command::gate, after_, nullptr, {}, fingerprint_, Duration(0));
    auto told = report::gate_document(whole, after_, report::tagged_images(after_.inventory));
    std::erase_if(told.objects, [&](const report::ObjectRow& row) { return !row.secret || !is_new(row.created, ImageId(row.engine_id)); });
    return std::move(told.objects);
  }

  // A file that cannot be read, and has not changed since, holds nothing that the session's builds have put there.
  bool is_of_before(const inventory::Unread& place) const {
    if (place.changed) return *place.changed + kTick < session_.since;
    const auto is_old_image = [&](std::size_t owner) {
      const auto* image = after_.inventory[owner].image();
      return image && !is_new(image->summary.created, image->summary.id);
    };
    return !place.owners.empty() && std::ranges::all_of(place.owners, is_old_image);
  }

 private:
  // What runs and holds a value that another session declared as well is left to that one.
  bool holds_declared(plan::Index object, bool is_running) const {
    return std::ranges::any_of(after_.findings.of[object], [&](const secrets::Finding& finding) {
      const std::string value = finding.value ? fingerprint_(*finding.value) : finding.fingerprint;
      return declared_.contains(value) && !(is_running && of_others_.contains(value));
    });
  }

  // An image that cannot be asked counts as new, unless it has gone.
  bool is_new(const std::optional<Instant>& created, const ImageId& id) const {
    if (created && *created >= whole_seconds(session_.since)) return true;
    const auto tagged = engine_.image_tagged_at(id);
    if (!tagged) return tagged.error().code() != Errc::not_found;
    return *tagged && **tagged >= session_.since;
  }

  const purge::Look& after_;
  const Session& session_;
  const engine::Client& engine_;
  const Fingerprinter& fingerprint_;
  std::set<std::string> declared_, of_others_;
};

// The row that the document has of it gets what the gate found; the reason why it stays is the last one still.
void put_in(report::Document& document, report::ObjectRow image) {
  const plan::Reason gate{"gate", "was built or tagged meanwhile and must not leave this host: it " + image.reasons.front().text};
  const auto row = std::ranges::find(document.objects, image.id, &report::ObjectRow::id);
  if (row == document.objects.end()) {
    image.state = "kept";
    image.reasons.front() = gate;
    document.objects.push_back(std::move(image));
    return;
  }
  row->secret = true;
  row->findings = std::move(image.findings);
  row->reasons.insert(row->reasons.empty() ? row->reasons.end() : row->reasons.end() - 1, gate);
}

void count_again(report::Document& document, std::size_t left) {
  const auto in_state = [&](const char* state) { return static_cast<std::size_t>(std::ranges::count(document.objects, state, &report::ObjectRow::state)); };
  report::Summary& summary = document.summary;
  summary.remaining_secrets = left;
  summary.objects = document.objects.size();
  summary.kept = in_state("kept");
  summary.secret_objects = static_cast<std::size_t>(std::ranges::count(document.objects, true, &report::ObjectRow::secret));
}

}  // namespace

void limit_to_session(report::Document& document, const purge::Look& after, const Session& session, const engine::Client& engine,
                      const Fingerprinter& fingerprint) {
  const Share share(after, session, engine, fingerprint);
  std::set<std::string> left = share.left();
  for (report::ObjectRow& image : share.leaky_images()) {
    left.insert(image.id);
    put_in(document, std::move(image));
  }
  std::erase_if(document.objects, [&](const report::ObjectRow& row) { return row.state != "planned" && row.state != "removed" && row.state != "failed" && !left.contains(row.id); });
  std::erase_if(document.unread, [&](const inventory::Unread& place) { return share.is_of_before(place); });
  document.complete = document.unread.empty();
  report::put_in_order(document.objects);
  count_again(document, left.size());
}

}  // namespace cleanerd::service
