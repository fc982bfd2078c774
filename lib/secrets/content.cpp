#include "secrets/content.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>
#include <system_error>

#include "base/text.hpp"
#include "secrets/texts.hpp"
#include "storage/beneath.hpp"

namespace cleanerd::secrets {
namespace {

using inventory::Inventory;
using inventory::Kind;
using search::Hit;
using storage::Place;
using Index = Inventory::Index;

// What runs is nobody's residue; a builder's state is in its volume.
bool is_running(const Inventory& inventory, Index i) {
  const auto* container = inventory[i].container();
  return inventory[i].kind == Kind::container_running || (inventory[i].kind == Kind::builder_container && inventory::is_up(*container));
}

// As with the engine's own, what its databases still hold in freed pages no prune takes away; live records have their blobs beside them.
bool is_builder_database(const Place& place, const Hit& hit) { return place.kind == Place::Kind::volume && hit.file.ends_with(".db"); }

std::string stable_name(const Inventory& inventory, const Place& place) {
  const std::string& root = inventory.data_root();
  return place.path.starts_with(root) ? place.path.substr(root.size()) : place.path;
}

bool stands_on_one_of(const Inventory& inventory, Index object, const std::set<Index>& owners) {
  std::vector<Index> open(inventory.parents(object).begin(), inventory.parents(object).end());
  std::set<Index> seen;
  while (!open.empty()) {
    const Index at = open.back();
    open.pop_back();
    if (owners.contains(at)) return true;
    if (seen.insert(at).second) open.insert(open.end(), inventory.parents(at).begin(), inventory.parents(at).end());
  }
  return false;
}

std::vector<Index> charged(const Inventory& inventory, const auto& all) {
  std::vector<Index> tagged;
  std::set<Index> owners;
  for (const Index owner : all) {
    if (is_running(inventory, owner)) continue;
    owners.insert(owner);
    if (inventory[owner].kind == Kind::image_tagged) tagged.push_back(owner);
  }
  if (!tagged.empty()) return tagged;
  std::vector<Index> lowest;
  for (const Index owner : owners)
    if (!stands_on_one_of(inventory, owner, owners)) lowest.push_back(owner);
  // In a circle, which only a broken answer has, nobody is.
  return lowest.empty() ? std::vector<Index>(owners.begin(), owners.end()) : lowest;
}

// What the engine keeps of an object beside its files: their texts are looked at by name.
bool is_description(const Place& place, const Hit& hit) {
  if (place.kind == Place::Kind::container) return hit.file == "config.v2.json" || hit.file == "hostconfig.json";
  return place.kind == Place::Kind::image_config || (place.kind == Place::Kind::blob && hit.file.find('!') == std::string::npos);
}

Source source_of(const Place& place, const Hit& hit) {
  if (hit.fingerprint.empty()) return Source::path;
  if (place.kind == Place::Kind::container && contains(hit.file, "log")) return Source::log;
  return is_description(place, hit) && place.kind == Place::Kind::container ? Source::env : Source::content;
}

// Of the file itself, of which a member of an archive in it may be told ("a.zip!b.zip").
std::optional<Instant> changed_at(const Place& place, std::string file) {
  for (;;) {
    const auto opened = file.empty() ? storage::open_regular_file(place.path) : storage::open_regular_file_beneath(place.path, file);
    if (opened) return storage::changed_at(*opened);
    const auto inner = file.rfind('!');
    if (inner == std::string::npos) return std::nullopt;
    file.resize(inner);
  }
}

// A mount is not entered. A step that runs has one of layers and its own directory, which are places themselves.
bool is_running_step(const std::string& place, const search::UnreadFile& file) {
  return contains(place, "/buildkit/executor/") && file.file == "rootfs" && file.reason == std::generic_category().message(EXDEV);
}

std::string location_in(const Place& place, const Hit& hit, const std::string& name) {
  std::string location;
  switch (place.kind) {
    case Place::Kind::layer:
    case Place::Kind::volume: location = "/" + hit.file; break;
    case Place::Kind::container: location = "container's " + hit.file; break;
    case Place::Kind::image_config: location = "image config"; break;
    case Place::Kind::blob: location = "blob " + place.path.substr(place.path.rfind('/') + 1, 12) + hit.file; break;
    case Place::Kind::leftover:
    case Place::Kind::other_store: location = name + (hit.file.empty() ? "" : "/" + hit.file); break;
  }
  location = printable(location, 300);
  if (hit.end != 0) location += ", byte " + std::to_string(hit.begin);
  else if (!hit.fingerprint.empty()) location += ", its name or what it points to";
  if (hit.encoding != match::Encoding::plain) location += ", in " + std::string(match::to_string(hit.encoding));
  return location;
}

class Content {
 public:
  Content(const Inventory& inventory, const Targets& targets, const search::Outcome& outcome, const Fingerprinter& fingerprint,
          Findings& findings)
      : inventory_(inventory), targets_(targets), outcome_(outcome), findings_(findings) {
    for (const KnownValue& value : findings.known.values()) origins_.emplace(fingerprint(value.value), value.origin);
    seen_.resize(inventory.objects().size());
    for (Index i = 0; i < seen_.size(); ++i)
      for (const Finding& finding : findings.of[i])
        if (finding.value) seen_[i].insert(fingerprint(*finding.value));
  }

  // First what gives a value away, then what is known by that.
  void add() {
    for (const bool known : {false, true}) {
      // What a text of the image's config tells, and the config's bytes tell again, is told of the text.
      for (std::size_t t = 0; t < targets_.text_owners.size(); ++t)
        add_texts(targets_.text_owners[t], outcome_.targets[targets_.places.size() + t], known);
      for (std::size_t t = 0; t < targets_.places.size(); ++t) add_place(targets_.places[t], outcome_.targets[t], known);
      add_exports(known);
    }
  }

 private:
  void add_place(std::size_t number, const search::Answer& answer, bool known) {
    if (answer.hits.empty()) return;
    const Place& place = inventory_.places()->all()[number];
    const std::string name = stable_name(inventory_, place);
    for (const Index owner : charged(inventory_, inventory_.owners(number)))
      for (const Hit& hit : answer.hits) {
        if (hit.rule.empty() != known || (known && is_told_by_a_rule(answer, hit)) || is_builder_database(place, hit)) continue;
        if (is_description(place, hit) && (seen_[owner].contains(hit.fingerprint) || !counts_in_texts(hit))) continue;
        add(owner, hit, source_of(place, hit), location_in(place, hit, name));
      }
  }

  void add_texts(Index owner, const search::Answer& answer, bool known) {
    if (answer.hits.empty()) return;
    const auto texts = texts_of(inventory_[owner]);
    for (const Hit& hit : answer.hits) {
      if (hit.rule.empty() != known || !counts_in_texts(hit) || seen_[owner].contains(hit.fingerprint)) continue;
      const Text& text = texts.at(std::stoul(hit.file));
      add(owner, hit, text.source, location_of(text, findings_.known));
    }
  }

  void add_exports(bool known) {
    const std::size_t first = targets_.places.size() + targets_.text_owners.size();
    std::map<std::pair<std::string, std::string>, std::set<Index>> holders;  // file and fingerprint → who has it
    const auto each = [&](const auto& visit) {
      for (std::size_t t = 0; t < targets_.export_owners.size(); ++t)
        for (const Hit& hit : outcome_.targets[first + t].hits)
          if (hit.rule.empty() == known) visit(targets_.export_owners[t], hit, std::pair(exported_file(first + t, hit), hit.fingerprint + hit.rule));
    };
    each([&](Index owner, const Hit&, const auto& what) { holders[what].insert(owner); });
    each([&](Index owner, const Hit& hit, const auto& what) {
      const auto lowest = charged(inventory_, holders[what]);
      if (std::ranges::find(lowest, owner) == lowest.end()) return;
      const bool is_blob = inventory_[owner].build() != nullptr;
      if (is_blob && (!counts_in_texts(hit) || seen_[owner].contains(hit.fingerprint))) return;
      std::string location = is_blob ? what.first : what.first.empty() ? "log" : printable("/" + what.first, 300);
      if (hit.encoding != match::Encoding::plain) location += ", in " + std::string(match::to_string(hit.encoding));
      add(owner, hit, hit.fingerprint.empty() ? Source::path : what.first.empty() ? Source::log : Source::content, std::move(location));
    });
  }

  std::string exported_file(std::size_t target, const Hit& hit) const {
    const std::string& name = targets_.all[target].name;
    return name.starts_with("blob sha256:") ? "blob " + printable(name.substr(12, 12)) : inner_file(hit);
  }

  // "!blobs/sha256/…!root/.npmrc" is a file of an image's layer, "!root/.npmrc" one of a container.
  static std::string inner_file(const Hit& hit) { return hit.file.substr(hit.file.rfind('!') + 1); }

  // The same bytes.
  static bool is_told_by_a_rule(const search::Answer& answer, const Hit& known) {
    return std::ranges::any_of(answer.hits, [&](const Hit& hit) {
      return !hit.rule.empty() && hit.fingerprint == known.fingerprint && hit.begin == known.begin && hit.file == known.file;
    });
  }

  // What is called by a name there was judged by its name, with the exceptions that people have set.
  static bool counts_in_texts(const Hit& hit) { return hit.rule.empty() || hit.tier == match::Tier::any; }

  void add(Index owner, const Hit& hit, Source source, std::string location) {
    Finding finding{hit.rule.empty() ? "known-value" : hit.rule, source, std::move(location), hit.value, {}, hit.fingerprint, hit.masked};
    if (hit.rule.empty()) {
      const auto origin = origins_.find(hit.fingerprint);
      if (origin != origins_.end()) finding.origin = origin->second;
      else finding.origin = hit.description.empty() ? "a value that was recognised before" : hit.description + " (seen before)";
    } else {
      finding.origin = hit.description.empty() ? hit.rule : hit.description;
      if (const auto origin = origins_.find(hit.fingerprint); origin != origins_.end()) {
        if (!contains(origin->second, finding.origin)) finding.origin += ", the value of " + origin->second;
      } else if (!hit.fingerprint.empty()) {
        const std::string where = finding.origin + " in " + finding.location + " of " + name_of(inventory_[owner]);
        origins_.emplace(hit.fingerprint, where);
        if (hit.value && can_be_traced(hit.value->reveal())) findings_.known.add({*hit.value, where, false});
      }
    }
    seen_[owner].insert(hit.fingerprint);
    findings_.of[owner].push_back(std::move(finding));
  }

  const Inventory& inventory_;
  const Targets& targets_;
  const search::Outcome& outcome_;
  Findings& findings_;
  std::map<std::string, std::string> origins_;  // by fingerprint
  std::vector<std::set<std::string>> seen_;     // fingerprints by object
};

}  // namespace

Targets targets_of(const Inventory& inventory) {
  Targets targets;
  if (const storage::Places* places = inventory.places()) {
    for (std::size_t i = 0; i < places->all().size(); ++i) {
      const auto owners = inventory.owners(i);
      if (std::ranges::all_of(owners, [&](Index owner) { return is_running(inventory, owner); })) continue;
      const Place& place = places->all()[i];
      targets.all.push_back({stable_name(inventory, place), place.path, place.fixed, {}, {}, {}, place.stamp});
      targets.places.push_back(i);
    }
  }
  for (Index i = 0; i < inventory.objects().size(); ++i) {
    if (is_running(inventory, i) || inventory[i].kind == Kind::builder_container) continue;
    search::Target target{"texts of " + inventory[i].engine_id(), "", false, {}, {}, {}, {}};
    for (const Text& text : texts_of(inventory[i])) target.texts.push_back(text.text);
    if (target.texts.empty()) continue;
    targets.all.push_back(std::move(target));
    targets.text_owners.push_back(i);
  }
  return targets;
}

void add_content(const Inventory& inventory, const Targets& targets, const search::Outcome& outcome, const Fingerprinter& fingerprint,
                 Findings& findings, std::vector<inventory::Unread>& unread) {
  Content(inventory, targets, outcome, fingerprint, findings).add();
  for (std::size_t t = 0; t < targets.places.size(); ++t)
    for (const search::UnreadFile& file : outcome.targets[t].unread)
      if (!is_running_step(targets.all[t].name, file)) {
        const std::size_t number = targets.places[t];
        const auto owners = inventory.owners(number);
        unread.push_back({printable(targets.all[t].name + (file.file.empty() ? "" : "/" + file.file), 300), file.reason,
                          {owners.begin(), owners.end()}, changed_at(inventory.places()->all()[number], file.file)});
      }
  for (std::size_t t = 0; t < targets.export_owners.size(); ++t)
    for (const search::UnreadFile& file : outcome.targets[targets.places.size() + targets.text_owners.size() + t].unread)
      unread.push_back({name_of(inventory[targets.export_owners[t]]) + (file.file.empty() ? "" : " " + printable(file.file, 300)), file.reason,
                        {targets.export_owners[t]}, {}});
  if (!outcome.is_complete)
    unread.push_back({"recognised secrets", "there are more than can be searched for in one run; purge what was found, then look again"});
  findings.scanned += ByteSize{static_cast<std::int64_t>(outcome.bytes_read)};
}

}  // namespace cleanerd::secrets
