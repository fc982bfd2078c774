#include "search/search.hpp"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <map>
#include <thread>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "base/memory.hpp"
#include "match/known_variants.hpp"
#include "match/matcher.hpp"
#include "search/identity.hpp"
#include "search/merge.hpp"
#include "search/read_places.hpp"
#include "search/scan_cache.hpp"
#include "storage/beneath.hpp"
#include "storage/file.hpp"

namespace cleanerd::search {
namespace {

using match::Matcher;

// Vectorscan finds thousands as fast as one, but each has some ten encodings that have to be compiled.
constexpr std::size_t kMaxTraced = 5000;
constexpr std::size_t kMaxThreads = 8;

// Values that a place is remembered to have been searched for, beyond those that a search may ask for again.
constexpr std::size_t kMostKnown = 1000;

bool is_known(const Hit& hit) { return hit.rule.empty(); }

using Bytes = std::tuple<std::string, std::uint64_t, std::uint64_t>;
Bytes bytes_of(const Hit& hit) { return {hit.file, hit.begin, hit.end}; }

std::string identity_now(const Target& target) {
  if (target.stream) return target.revision;
  if (!target.path.empty()) return identity_of(target.path, target.fixed);
  std::string all;
  for (const std::string_view text : target.texts) (all += text) += '\0';
  return short_hash(all);
}

std::string identity_when_listed(const Target& target) {
  return target.fixed && target.stamp.exists() ? identity_of(target.path, true, target.stamp) : identity_now(target);
}

// The bytes that a hit of an earlier search stands on.
std::optional<SecretValue> read_again(const Target& target, const Hit& hit) {
  if (target.stream) return std::nullopt;
  if (target.path.empty()) {
    const std::string_view text = target.texts.at(std::stoul(hit.file));
    if (hit.encoding != match::Encoding::plain || hit.end > text.size() || hit.end <= hit.begin) return std::nullopt;
    return SecretValue(text.substr(hit.begin, hit.end - hit.begin));
  }
  if (hit.encoding != match::Encoding::plain || hit.file.find('!') != std::string::npos || hit.end <= hit.begin || hit.end - hit.begin > 64u << 10)
    return std::nullopt;
  auto file = hit.file.empty() ? storage::open_regular_file(target.path) : storage::open_regular_file_beneath(target.path, hit.file);
  if (!file) return std::nullopt;
  std::string bytes(hit.end - hit.begin, '\0');
  const auto got = storage::read_at(*file, hit.begin, bytes, hit.file);
  if (!got || *got != bytes.size()) return std::nullopt;
  return SecretValue(bytes);
}

}  // namespace

class Search::Impl {
 public:
  Impl(std::shared_ptr<Rules> all_rules, const Options& opts, std::shared_ptr<ScanCache> kept)
      : rules(std::move(all_rules)),
        hash(short_hash(rules->hash() + opts.names)),
        keeps_cache(kept != nullptr),
        cache(kept ? std::move(kept) : std::make_shared<ScanCache>(opts.state_dir, opts.engine_id)),
        fingerprint(opts.key),
        options(opts) {}

  struct Place {
    const Target* target = nullptr;
    std::string identity;
    const CacheEntry* cached = nullptr;  // what an earlier search says, until this one says more
    CacheEntry fresh;
    bool rules_done = false;
    bool changed = false;

    const CacheEntry& entry() const { return cached ? *cached : fresh; }
    CacheEntry& own() {
      if (cached) fresh = *std::exchange(cached, nullptr);
      return fresh;
    }
  };

  // Reads those places that have not been searched for all of these values, and those whose rules are due.
  Status read(std::vector<Place>& places, std::span<const SecretValue> values, const std::stop_token& stop,
              const std::function<void(std::uint64_t)>& on_bytes, std::uint64_t& bytes_read) {
    KnownSet wanted;
    for (const SecretValue& value : values) wanted.insert(fingerprint(value));
    std::vector<Place*> whole, known_only;
    for (Place& place : places) {
      if (place.identity.empty()) continue;
      if (!place.rules_done) whole.push_back(&place);
      else if (!std::ranges::includes(*place.entry().known, wanted)) known_only.push_back(&place);
    }
    if (whole.empty() && known_only.empty()) return {};
    std::vector<const Matcher*> matchers;
    std::optional<Matcher> for_values;
    if (!values.empty()) {
      auto made = Matcher::make({}, {values.begin(), values.end()}, {});
      if (!made) return std::move(made).error();
      for_values.emplace(std::move(*made));
      matchers.push_back(&*for_values);
    }
    if (Status done = read(known_only, matchers, wanted, stop, on_bytes, bytes_read); !done) return done;
    if (whole.empty()) return {};
    auto compiled = rules->matcher(options.state_dir);
    if (!compiled) return std::move(compiled).error();
    matchers.push_back(*compiled);
    return read(whole, matchers, wanted, stop, on_bytes, bytes_read);
  }

  // Of a set that has grown too large, what this run can ask for: the rest is of jobs long gone.
  KnownSet still_useful(const KnownSet& set) const {
    if (set.size() <= kMostKnown) return set;
    KnownSet kept;
    std::ranges::set_intersection(set, useful, std::inserter(kept, kept.end()));
    return kept;
  }

  Status read(const std::vector<Place*>& places, std::span<const Matcher* const> matchers, const KnownSet& wanted,
              const std::stop_token& stop, const std::function<void(std::uint64_t)>& on_bytes, std::uint64_t& bytes_read) {
    if (places.empty()) return {};
    std::vector<std::string> paths;
    std::vector<const Texts*> texts;
    for (const Place* place : places) {
      if (place->target->stream) continue;
      if (place->target->path.empty()) texts.push_back(&place->target->texts);
      else paths.push_back(place->target->path);
    }
    const ReadOptions reading{threads(), {}, stop, on_bytes};
    auto of_paths = read_places(paths, matchers, fingerprint, reading);
    auto of_texts = read_texts(texts, matchers, fingerprint);
    std::vector<Answer> answers;
    for (auto path = of_paths.begin(), text = of_texts.begin(); const Place* place : places)
      answers.push_back(place->target->stream           ? read_stream(place->target->stream, matchers, fingerprint, reading)
                        : place->target->path.empty() ? std::move(*text++)
                                                      : std::move(*path++));
    // One set for all that were searched for the same values before.
    std::map<std::shared_ptr<const KnownSet>, std::shared_ptr<const KnownSet>> grown;
    for (std::size_t i = 0; i < places.size(); ++i) {
      Place& place = *places[i];
      bytes_read += answers[i].bytes;
      if (answers[i].broken_off) continue;
      for (Hit& hit : answers[i].hits) {
        if (hit.value && options.is_traced && !is_known(hit) && !options.is_traced(hit.value->reveal())) hit.anywhere = true;
        if (const auto origin = origins.find(hit.fingerprint); is_known(hit) && origin != origins.end()) hit.description = origin->second;
      }
      if (answers[i].gone) {
        place.identity.clear();
        continue;
      }
      CacheEntry& entry = place.own();
      if (place.rules_done) {
        merge(entry.answer, std::move(answers[i]));
      } else {
        entry.answer = std::move(answers[i]);
        entry.known = std::make_shared<KnownSet>();
        place.rules_done = true;
      }
      std::shared_ptr<const KnownSet>& set = grown[entry.known->empty() ? nullptr : entry.known];
      if (!set) {
        auto all = std::make_shared<KnownSet>(still_useful(*entry.known));
        all->insert(wanted.begin(), wanted.end());
        set = std::move(all);
      }
      entry.known = set;
      place.changed = true;
    }
    if (stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
    return {};
  }

  // Each with what the cache says of it. Some lack their identity when `stop` is requested meanwhile.
  std::vector<Place> places(std::span<const Target> targets, const std::stop_token& stop) {
    std::vector<Place> all(targets.size());
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      constexpr std::size_t kAtOnce = 64;
      for (std::size_t first; !stop.stop_requested() && (first = next.fetch_add(kAtOnce)) < all.size();)
        for (std::size_t i = first; i < std::min(first + kAtOnce, all.size()); ++i) {
          Place& place = all[i];
          place.target = &targets[i];
          place.identity = identity_when_listed(targets[i]);
          const CacheEntry* entry = cache->find(targets[i].name);
          if (!entry || place.identity.empty() || entry->identity != place.identity || entry->rules != hash) continue;
          place.cached = entry;
          place.rules_done = true;
        }
    };
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < threads(); ++i) helpers.emplace_back(work);
    work();
    return all;
  }

  // What was changed while it was read has another identity the next time: this one is from before. Not so what was away for a while.
  void remember(Place& place) {
    if (!place.changed || place.identity.empty()) return;
    place.fresh.identity = place.identity;
    place.fresh.rules = hash;
    cache->put(place.target->name, place.fresh);
  }

  using Recognised = std::map<std::string, std::optional<SecretValue>>;  // by fingerprint

  // What the rules have found and is not known yet. A rule that finds its value anywhere needs no second search for it.
  static Recognised recognised(const std::vector<Place>& places, const std::set<std::string>& current) {
    Recognised all;
    for (const Place& place : places)
      for (const Hit& hit : place.entry().answer.hits) {
        if (is_known(hit) || hit.anywhere || hit.fingerprint.empty() || current.contains(hit.fingerprint)) continue;
        auto& value = all[hit.fingerprint];
        if (!value) value = hit.value;
      }
    return all;
  }

  void add_origins(const std::vector<Place>& places) {
    for (const Place& place : places)
      for (const Hit& hit : place.entry().answer.hits)
        if (!is_known(hit) && !hit.fingerprint.empty()) origins.emplace(hit.fingerprint, hit.description.empty() ? hit.rule : hit.description);
  }

  // What was declared when a place was searched for it, and has been betrayed since.
  void add_origins_to_known(std::vector<Place>& places) const {
    const auto lacks = [&](const Hit& hit) { return is_known(hit) && hit.description.empty() && origins.contains(hit.fingerprint); };
    for (Place& place : places) {
      if (std::ranges::none_of(place.entry().answer.hits, lacks)) continue;
      for (Hit& hit : place.own().answer.hits)
        if (lacks(hit)) hit.description = origins.at(hit.fingerprint);
      place.changed = true;
    }
  }

  // Gets back the values that earlier searches recognised and that some place has not been searched for. They are read from where
  // they stand; where that says nothing, the place is due to be searched anew.
  void recall(std::vector<Place>& places, const Recognised& values) const {
    std::set<const KnownSet*> sets;
    for (const Place& place : places)
      if (!place.identity.empty()) sets.insert(place.entry().known.get());
    std::set<std::string> wanted;
    for (const auto& value : values) {
      const std::string& name = value.first;
      if (!value.second && !std::ranges::all_of(sets, [&](const KnownSet* set) { return set && set->contains(name); })) wanted.insert(name);
    }
    if (wanted.empty()) return;
    const auto is_wanted = [&](const Hit& hit) { return !is_known(hit) && wanted.contains(hit.fingerprint); };
    for (Place& place : places) {
      if (std::ranges::none_of(place.entry().answer.hits, is_wanted)) continue;
      for (Hit& hit : place.own().answer.hits) {
        if (!is_wanted(hit)) continue;
        hit.value = read_again(*place.target, hit);
        if (hit.value && fingerprint(*hit.value) == hit.fingerprint) wanted.erase(hit.fingerprint);
        else hit.value.reset();
      }
    }
    for (Place& place : places)
      if (std::ranges::any_of(place.entry().answer.hits, is_wanted)) place.rules_done = false;
  }

  std::size_t threads() const {
    if (options.threads != 0) return options.threads;
    return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMaxThreads);
  }

  std::shared_ptr<Rules> rules;
  std::string hash;
  bool keeps_cache;
  std::map<std::string, std::string> origins;  // of what the host has betrayed, by fingerprint
  KnownSet useful;  // fingerprints of what is known, and of what any place gave away
  std::shared_ptr<ScanCache> cache;
  Fingerprinter fingerprint;
  Options options;
};

Result<Search> Search::open(std::shared_ptr<Rules> rules, const Options& options, std::shared_ptr<ScanCache> cache) {
  const bool is_first = !Matcher::has_compiled_rules(options.state_dir);
  if (is_first || options.rules_at_once)
    if (auto compiled = rules->matcher(options.state_dir); !compiled) return std::move(compiled).error();
  if (is_first) release_memory();
  return Search(std::make_unique<Impl>(std::move(rules), options, std::move(cache)));
}

Search::Search(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Search::Search(Search&&) noexcept = default;
Search& Search::operator=(Search&&) noexcept = default;
Search::~Search() = default;

const Fingerprinter& Search::fingerprint() const { return impl_->fingerprint; }

Result<std::vector<Answer>> Search::find_known(std::span<const Target> targets, std::span<const SecretValue> known,
                                               const std::stop_token& stop) const {
  std::vector<Answer> answers(targets.size());
  if (known.empty()) return answers;
  auto matcher = Matcher::make({}, {known.begin(), known.end()}, {});
  if (!matcher) return std::move(matcher).error();
  const Matcher* const matchers[] = {&*matcher};
  for (std::size_t i = 0; i < targets.size(); ++i) answers[i] = read_stream(targets[i].stream, matchers, impl_->fingerprint, {1, {}, stop, {}});
  if (stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
  return answers;
}

Result<Outcome> Search::run(std::span<const Target> targets, std::span<const SecretValue> known, const std::stop_token& stop,
                            const std::function<void(std::uint64_t)>& on_bytes) {
  const auto declared = [&] {
    std::vector<Known> all;
    for (const SecretValue& value : known) all.push_back({value});
    return all;
  };
  return run(targets, declared, stop, on_bytes);
}

Result<Outcome> Search::run(std::span<const Target> targets, const std::function<std::vector<Known>()>& known_later,
                            const std::stop_token& stop, const std::function<void(std::uint64_t)>& on_bytes) {
  Outcome outcome;
  std::vector<Impl::Place> places = impl_->places(targets, stop);
  std::vector<SecretValue> known;
  impl_->origins.clear();
  for (Known& one : known_later()) {
    if (!one.origin.empty()) impl_->origins.emplace(impl_->fingerprint(one.value), std::move(one.origin));
    known.push_back(std::move(one.value));
  }
  if (stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
  std::unordered_set<std::string_view> names;
  std::set<std::string> current;  // fingerprints of what is known by now
  for (const Target& target : targets) names.insert(target.name);
  for (const SecretValue& value : known) current.insert(impl_->fingerprint(value));
  const auto save = [&] {
    impl_->cache->keep_only(names);
    impl_->cache->save();
  };
  const auto read = [&](std::span<const SecretValue> values) {
    Status done = impl_->read(places, values, stop, on_bytes, outcome.bytes_read);
    if (done) return done;
    // What was read need not be read again. Who keeps the cache saves it with the next search.
    for (Impl::Place& place : places) impl_->remember(place);
    if (!impl_->keeps_cache) save();
    return done;
  };

  impl_->useful = {current.begin(), current.end()};
  for (const Impl::Place& place : places)
    for (const Hit& hit : place.entry().answer.hits) impl_->useful.insert(hit.fingerprint);
  // What earlier searches recognised is looked for in the same reading, where it is needed at all.
  impl_->recall(places, impl_->recognised(places, current));
  impl_->add_origins(places);
  std::vector<SecretValue> from_before(known.begin(), known.end());
  for (const auto& [fingerprint, value] : impl_->recognised(places, current))
    if (value && value->size() >= match::kMinKnown && from_before.size() < kMaxTraced) from_before.push_back(*value);
  if (Status done = read(from_before); !done) return std::move(done).error();
  auto recognised = impl_->recognised(places, current);
  impl_->recall(places, recognised);
  if (Status done = read(from_before); !done) return std::move(done).error();
  recognised = impl_->recognised(places, current);
  impl_->add_origins(places);
  for (const auto& [fingerprint, value] : recognised) {
    current.insert(fingerprint);
    if (!value || value->size() < match::kMinKnown) continue;
    if (outcome.recognised.size() == kMaxTraced) outcome.is_complete = false;
    else outcome.recognised.push_back(*value);
  }
  if (Status done = read(outcome.recognised); !done) return std::move(done).error();
  impl_->add_origins_to_known(places);

  for (Impl::Place& place : places) {
    impl_->remember(place);
    if (place.identity.empty() && !place.target->path.empty()) outcome.gone.push_back(place.target->path);
    Answer answer = place.cached ? place.cached->answer : std::move(place.fresh.answer);
    std::set<Bytes> told;
    for (const Hit& hit : answer.hits)
      if (!is_known(hit)) told.insert(bytes_of(hit));
    std::erase_if(answer.hits, [&](const Hit& hit) {
      if (!is_known(hit)) return false;
      return (!current.contains(hit.fingerprint) && hit.description.empty()) || (recognised.contains(hit.fingerprint) && told.contains(bytes_of(hit)));
    });
    outcome.targets.push_back(std::move(answer));
  }
  save();
  return outcome;
}

}  // namespace cleanerd::search
