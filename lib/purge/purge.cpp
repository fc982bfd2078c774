#include "purge/purge.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "purge/builders.hpp"
#include "purge/carry_out_plan.hpp"
#include "purge/leftovers.hpp"
#include "purge/settle.hpp"
#include "scrub/executor.hpp"
#include "storage/data_root.hpp"

namespace cleanerd::purge {
namespace {

using inventory::Object;
using plan::Index;
using plan::Reason;
using plan::Verdict;

// How long is waited for what the engine still seems to collect, and between two looks at it.
constexpr std::chrono::milliseconds kCollection{5000}, kCollectionStep{50};
// Nobody waits for a note.
constexpr Duration kMoment{100};

// One call prunes any number of records as far as its URL fits the engine's 1 MiB of request header: 26 to 28 bytes an id.
constexpr std::size_t kRecordsPerCall = 30'000;

bool ends_the_purge(Errc code) {
  return code == Errc::unreachable || code == Errc::timeout || code == Errc::cancelled || code == Errc::permission;
}

Reason unlisted() { return {"unlisted", "may be there or gone: the engine did not list its kind when it was looked for"}; }
Reason interrupted() { return {"interrupted", "was not reached before the purge was interrupted"}; }

class Run {
 public:
  Run(const Look& planned, const Request& request)
      : planned_(planned),
        request_(request),
        data_root_(storage::DataRoot::open(request.host.client.engine(), request.host.client.endpoint())) {
    for (const Index i : planned.plan.removal) {
      const Object& object = planned.inventory[i];
      plan_ids_[object.engine_id()] = object.id();
      if (planned.plan.items[i].owed) owed_.insert(object.id());
    }
    // What the first look traced stays known: its source may be among the first to go.
    known_.assign(planned.findings.known.values().begin(), planned.findings.known.values().end());
    selection_ = request.selection;
    to_collect_ = !selection_.unfinished.empty();  // an interrupted purge may not have come to it
    // What a policy alone asks for goes only as long as it does.
    selection_.unfinished.insert(selection_.unfinished.end(), owed_.begin(), owed_.end());
  }

  Report carry_out() {
    const std::vector<Planned> planned = planned_removals(planned_);
    auto run = request_.journal.begin(planned_.inventory.engine().id, request_.cause, planned);
    if (!run) {
      report_.error = std::move(run).error();
      for (const Planned& object : planned) settle(object.id, State::kept, {"journal", "is kept because the removal could not be put on the journal"});
      return std::move(report_);
    }
    run_ = *run;
    progress();
    phase([](inventory::Kind kind) { return inventory::is_container(kind); }, &Run::remove_containers);
    phase([](inventory::Kind kind) { return inventory::is_image(kind); }, &Run::remove_images);
    phase([](inventory::Kind kind) { return inventory::is_cache(kind); }, &Run::remove_records);
    phase([](inventory::Kind kind) { return inventory::is_history(kind); }, &Run::remove_builds);
    phase([](inventory::Kind kind) { return inventory::is_builder(kind); }, &Run::remove_builders);
    phase([](inventory::Kind kind) { return kind == inventory::Kind::leftover_executor; }, &Run::remove_executor_leftovers);
    phase([](inventory::Kind kind) { return is_on_disk_only(kind) && kind != inventory::Kind::leftover_executor; }, &Run::remove_leftovers);
    if (to_collect_ && !report_.error) {
      // Ends in a collection of the content store; an engine without BuildKit has none to collect.
      if (Status collected = request_.host.client.collect_garbage(); !collected && ends_the_purge(collected.error().code()))
        report_.error = std::move(collected).error();
    }
    if (!request_.stop.stop_requested()) verify();
    for (const auto& [engine_id, id] : plan_ids_)
      if (!report_.outcomes.contains(id)) settle(id, State::kept, interrupted());
    journal_rest();
    return std::move(report_);
  }

 private:
  using Act = void (Run::*)(const Look&, const std::vector<Index>&);

  void settle(const std::string& id, State state, Reason reason) {
    report_.outcomes.insert_or_assign(id, Outcome{state, std::move(reason)});
    progress();
  }
  void progress() const {
    if (request_.on_progress) request_.on_progress(report_.outcomes.size(), plan_ids_.size());
  }
  Result<Look> look_again() const {
    return look({request_.host, request_.policy, selection_, known_, request_.search, request_.stop, {}});
  }
  bool over() const { return report_.error.has_value() || request_.stop.stop_requested(); }

  template <class IsPhase>
  void phase(const IsPhase& is_phase, Act act) {
    std::vector<std::string> wanted;  // engine ids of the plan in this phase
    for (const Index i : planned_.plan.removal)
      if (is_phase(planned_.inventory[i].kind)) wanted.push_back(planned_.inventory[i].engine_id());
    if (wanted.empty() || over()) return;
    auto fresh = look_again();
    if (!fresh) {
      report_.error = std::move(fresh).error().within("look again before removing");
      return;
    }
    std::set<std::string> still_there;
    std::vector<Index> targets;
    for (const Index i : fresh->plan.removal)
      if (is_phase(fresh->inventory[i].kind) && plan_ids_.contains(fresh->inventory[i].engine_id())) targets.push_back(i);
    for (const plan::Item& item : fresh->plan.items) {
      const std::string& engine_id = fresh->inventory[item.object].engine_id();
      if (!plan_ids_.contains(engine_id)) continue;
      still_there.insert(engine_id);
      if (item.verdict == Verdict::keep && is_phase(fresh->inventory[item.object].kind))
        settle(plan_ids_[engine_id], State::kept, item.reasons.back());
    }
    for (const std::string& engine_id : wanted) {
      const std::string& id = plan_ids_[engine_id];
      if (still_there.contains(engine_id)) continue;
      if (!was_looked_for(*fresh, id)) settle(id, State::kept, unlisted());
      else if (has_place(*fresh, engine_id)) settle(id, State::kept, {"referenced", "belongs to an object of the engine by now"});
      else settle(id, State::removed, {"gone", "was gone already"});
    }
    (this->*act)(*fresh, targets);
  }

  // True when the purge goes on. Settles the object by what the engine answered.
  bool settle_by(const std::string& id, const Status& status, ByteSize size) {
    if (status || status.error().code() == Errc::not_found) {
      settle(id, State::removed, {"removed", "is removed"});
      report_.freed += size;
      return true;
    }
    const Error& error = status.error();
    if (ends_the_purge(error.code())) {
      report_.error = error;
      return false;
    }
    if (error.code() == Errc::conflict) settle(id, State::kept, {"busy", "is in use: " + error.message()});
    else settle(id, State::failed, {"error", error.message()});
    return true;
  }

  void remove_containers(const Look& fresh, const std::vector<Index>& targets) {
    for (const Index i : targets) {
      if (over()) return;
      const auto& container = *fresh.inventory[i].container();
      const std::string& id = plan_ids_[container.id.str()];
      auto now = request_.host.client.inspect_container(container.id);
      const bool is_step = inventory::is_build_step(container);
      if (now && (now->state != container.state || now->finished != container.finished || inventory::is_build_step(*now) != is_step)) {
        settle(id, State::kept, {"busy", "changed while it was looked at"});
        continue;
      }
      Status gone;
      if (!now) gone = std::move(now).error();
      else gone = request_.host.client.remove_container(container.id, is_step ? engine::Client::Volumes::take : engine::Client::Volumes::keep);
      if (!settle_by(id, gone, {})) return;
    }
  }

  void remove_images(const Look& fresh, const std::vector<Index>& targets) {
    std::set<Index> stays;
    for (const Index i : targets) {
      if (over()) return;
      const Object& object = fresh.inventory[i];
      const std::string& id = plan_ids_[object.engine_id()];
      const auto children = fresh.inventory.children(i);
      // The containerd store would remove a parent from under its child.
      if (std::ranges::any_of(children, [&](Index child) { return stays.contains(child); })) {
        stays.insert(i);
        settle(id, State::kept, {"needed", "is needed by an image or container that could not be removed"});
        continue;
      }
      // A classic build that began since the look could take up any untagged image; the engine would not object.
      if (data_root_ && data_root_->classic_build_running().value_or(false)) {
        stays.insert(i);
        settle(id, State::kept, {"build-running", "may be needed by the classic build that runs now"});
        continue;
      }
      const ImageId image_id = object.image()->summary.id;
      auto now = request_.host.client.inspect_image(image_id.str());
      if (now && !std::ranges::is_permutation(now->tags, object.image()->summary.tags)) {
        stays.insert(i);
        settle(id, State::kept, {"tagged", "was given a tag meanwhile"});
        continue;
      }
      Status gone;
      if (!now) gone = std::move(now).error();
      else gone = request_.host.client.remove_image(image_id);
      if (!settle_by(id, gone, object.size())) return;
      if (report_.outcomes.at(id).state == State::removed) to_collect_ = true;
      else stays.insert(i);
    }
  }

  void remove_records(const Look& fresh, const std::vector<Index>& targets) {
    for (std::size_t first = 0; first < targets.size() && !over(); first += kRecordsPerCall) {
      std::vector<CacheId> ids;
      for (std::size_t i = first; i < std::min(first + kRecordsPerCall, targets.size()); ++i)
        ids.push_back(fresh.inventory[targets[i]].cache()->id);
      auto pruned = request_.host.client.prune_cache(ids);
      if (!pruned) {
        if (ends_the_purge(pruned.error().code())) report_.error = std::move(pruned).error();
        else
          for (const CacheId& id : ids) settle(plan_ids_[id.str()], State::failed, {"error", pruned.error().message()});
        return;
      }
      to_collect_ = false;  // each prune ends with a collection
      report_.freed += pruned->reclaimed;
      for (const CacheId& id : pruned->deleted)
        if (const auto planned = plan_ids_.find(id.str()); planned != plan_ids_.end())
          settle(planned->second, State::removed, {"removed", "is removed"});
      // The engine leaves out, without a word, what came into use or got a child since: the look afterwards tells.
      for (const CacheId& id : ids)
        if (!report_.outcomes.contains(plan_ids_[id.str()]))
          settle(plan_ids_[id.str()], State::kept, {"busy", "was left by the engine: it is in use or has a child"});
    }
  }

  void remove_builds(const Look& fresh, const std::vector<Index>& targets) {
    if (!request_.host.history) return;
    std::vector<BuildRef> refs;
    std::map<std::string, ByteSize> sizes;
    for (const Index i : targets) {
      const auto& record = *fresh.inventory[i].build();
      refs.push_back(record.ref);
      sizes[record.ref.str()] = record.size;
    }
    auto ended = request_.host.history->remove(refs, request_.traces, [&](const BuildRef& ref, const Status& status) {
      if (settle_by(plan_ids_[ref.str()], status, sizes[ref.str()])) to_collect_ = true;
    });
    if (ended) report_.traces_until = *ended;
    else if (!report_.error) report_.error = std::move(ended).error();
  }

  void remove_builders(const Look& fresh, const std::vector<Index>& targets) {
    for (const Index i : targets) {
      if (over()) return;
      const Object& object = fresh.inventory[i];
      const std::string& id = plan_ids_[object.engine_id()];
      Status done;
      if (fresh.plan.items[i].prune) {
        done = prune_builder(request_.host.client, fresh.inventory, i);
        if (done) pruned_.insert(object.engine_id());
      } else {
        done = object.volume() ? request_.host.client.remove_volume(object.volume()->name)
                               : request_.host.client.remove_container(object.container()->id, engine::Client::Volumes::keep);
      }
      if (!settle_by(id, done, {})) return;
    }
  }

  // Each was there in the look that has just ended. What stands there while afterwards no build runs is no running build's, and a
  // build that begins now has a directory of another name.
  void remove_executor_leftovers(const Look& fresh, const std::vector<Index>& targets) {
    remove_on_disk(fresh, targets, "mounted", [&](Index i) {
      const std::string& path = fresh.inventory[i].engine_id();
      return scrub::remove_executor_leftover(fresh.inventory.data_root_of_engine(), path.substr(path.rfind('/') + 1));
    });
  }

  // A classic build is not at work as long as its context's folder is not there.
  void remove_leftovers(const Look& fresh, const std::vector<Index>& targets) {
    std::vector<Index> by_hand;
    for (const Index i : targets) {
      if (!fresh.inventory[i].leftover()->collectable) {
        by_hand.push_back(i);
        continue;
      }
      to_collect_ = true;
      settle(plan_ids_[fresh.inventory[i].engine_id()], State::kept, {"referenced", "was left by the engine's own collection"});
    }
    if (by_hand.empty()) return;
    remove_on_disk(fresh, by_hand, "busy", [&](Index i) -> Status {
      if (!data_root_ || data_root_->classic_build_running().value_or(true)) return Error(Errc::conflict, "a classic build may need it");
      return remove_leftover(fresh, i);
    });
  }

  template <class Remove>
  void remove_on_disk(const Look& fresh, const std::vector<Index>& targets, const char* when_held, const Remove& remove) {
    const Result<bool> works = buildkit_works(request_.host);
    if (!works) {
      report_.error = works.error();
      return;
    }
    for (const Index i : targets) {
      if (over()) return;
      const Object& object = fresh.inventory[i];
      const std::string& id = plan_ids_[object.engine_id()];
      if (*works) {
        settle(id, State::kept, {"build-running", "may belong to a build that began meanwhile"});
        continue;
      }
      const Status gone = remove(i);
      if (!gone && gone.error().code() == Errc::conflict) settle(id, State::kept, {when_held, "is kept: " + gone.error().message()});
      else if (!gone && gone.error().code() != Errc::not_found) settle(id, State::failed, {"error", gone.error().message()});
      else if (!settle_by(id, gone, object.size())) return;
    }
  }

  // The engine answers a prune before its collector has deleted the last bytes. Until then they are nobody's.
  Result<Look> look_when_collected() const {
    const auto deadline = std::chrono::steady_clock::now() + kCollection;
    auto after = look_again();
    while (after && has_new_leftovers(planned_, *after) && std::chrono::steady_clock::now() < deadline && !request_.stop.stop_requested()) {
      std::this_thread::sleep_for(kCollectionStep);
      after = look_again();
    }
    return after;
  }

  void verify() {
    auto after = look_when_collected();
    if (!after) {
      if (!report_.error) report_.error = std::move(after).error().within("look again after the purge");
      return;
    }
    std::set<std::string> there;
    for (Index i = 0; i < after->inventory.objects().size(); ++i)
      // Of what was pruned only the secrets were to go.
      if (const std::string& engine_id = after->inventory[i].engine_id(); !pruned_.contains(engine_id) || after->findings.carries(i))
        there.insert(engine_id);
    for (const auto& [engine_id, id] : plan_ids_) {
      const auto outcome = report_.outcomes.find(id);
      const bool removed = outcome != report_.outcomes.end() && outcome->second.state == State::removed;
      const bool is_there = there.contains(engine_id) || has_place(*after, engine_id);
      if (!was_looked_for(*after, id)) settle(id, State::kept, unlisted());
      else if (removed && is_there) settle(id, State::failed, {"still-there", "was removed, the engine says, and is still there"});
      else if (!removed && outcome != report_.outcomes.end() && !is_there)
        settle(id, State::removed, {"removed", "is removed"});
    }
    report_.after = std::move(*after);
    find_removed_values();
    tell_freed_pages();
  }

  void find_removed_values() {
    const auto search = request_.search.get();
    if (!search) return;
    const Fingerprinter& fingerprint = (*search)->fingerprint();
    std::set<std::string> removed;
    for (const Index i : planned_.plan.removal) {
      // An error that ends the purge leaves some without an outcome.
      const auto outcome = report_.outcomes.find(planned_.inventory[i].id());
      if (outcome == report_.outcomes.end() || outcome->second.state != State::removed) continue;
      for (const secrets::Finding& finding : planned_.findings.of[i])
        removed.insert(finding.value ? fingerprint(*finding.value) : finding.fingerprint);
    }
    std::ranges::copy_if(known_, std::back_inserter(report_.removed_values), [&](const auto& known) { return removed.contains(fingerprint(known.value)); });
  }

  // What has just gone is in the databases' freed pages until the engine is stopped and they are scrubbed. That is told and no more: what
  // cannot be read for it is no blind spot of the purge.
  void tell_freed_pages() {
    if (request_.stop.stop_requested()) return;
    const std::size_t unread = report_.after->unread.size();
    (void)look_into_freed_pages(*report_.after, report_.removed_values, request_.search, kMoment, request_.stop);
    report_.after->unread.resize(unread);
  }

  void journal_rest() {
    std::vector<Settlement> settlements;
    for (const auto& [id, outcome] : report_.outcomes) {
      const bool closed = is_for_good(outcome.reason) || !owed_.contains(id);
      const Settled how = outcome.state == State::removed ? Settled::removed : closed ? Settled::closed : Settled::owed;
      settlements.push_back({id, how, outcome.reason.code});
    }
    Status settled = request_.journal.settle(run_, settlements);
    if (settled) settled = request_.journal.end(run_);
    if (!settled && !report_.error) report_.error = std::move(settled).error();
  }

  const Look& planned_;
  const Request& request_;
  std::optional<storage::DataRoot> data_root_;
  plan::Selection selection_;
  std::vector<secrets::KnownValue> known_;
  std::map<std::string, std::string> plan_ids_;  // engine id → object id of the plan
  std::set<std::string> owed_;                   // object ids of what a later purge finishes
  std::int64_t run_ = 0;
  std::set<std::string> pruned_;  // engine ids of what stays, emptied
  bool to_collect_ = false;  // content has lost its last user since the engine last collected
  Report report_;
};

}  // namespace

Report carry_out_plan(const Look& planned, const Request& request) { return Run(planned, request).carry_out(); }

}  // namespace cleanerd::purge
