#include "purge/freed.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <thread>
#include <tuple>

#include "base/text.hpp"
#include "scrub/scrub.hpp"

namespace cleanerd::purge {
namespace {

struct Opened {
  scrub::Database database;
  scrub::Contents contents;
};

inventory::Unread unread(const std::string& name, const std::string& message) {
  // The messages begin with the name.
  return {printable(name, 300), message.starts_with(name + ": ") ? message.substr(name.size() + 2) : message};
}

std::vector<Opened> look(scrub::Databases databases, std::vector<inventory::Unread>& left) {
  for (const Error& error : databases.left) {
    const std::size_t name = error.message().find(": ");
    left.push_back(unread(error.message().substr(0, name), error.message()));
  }
  std::vector<Opened> opened;
  for (scrub::Database& database : databases.all) {
    auto contents = scrub::look_into(database);
    if (contents) opened.push_back({std::move(database), std::move(*contents)});
    else left.push_back(unread(database.name, contents.error().message()));
  }
  return opened;
}

// Answers for streams, in their order.
using Find = std::function<Result<std::vector<search::Answer>>(std::span<const search::Target>)>;

search::Target target_of(const Opened& one) {
  const search::Stream stream = [&one](const std::function<void(const match::ByteSource&)>& read) {
    read(scrub::only_free_bytes(one.database, one.contents));
    return Status();
  };
  const std::string revision = one.contents.digest + ":" + std::to_string(one.contents.old_bytes) + ":" + format_rfc3339(system_now());
  return {"freed pages of " + one.database.name, "", false, {}, stream, revision};
}

// Until what was written before this call and not yet committed is committed, or nobody has written for so long. False: neither came.
Result<bool> wait_until_settled(const scrub::Database& database, Duration quiet, const std::stop_token& stop) {
  constexpr Duration kStep(20);
  auto first = scrub::last_write(database);
  for (Duration waited(0); first && !stop.stop_requested() && waited <= 2 * quiet; waited += kStep) {
    const auto now = scrub::last_write(database);
    if (!now) return now.error();
    if (now->transaction > first->transaction || system_now() - now->at >= quiet) return true;
    std::this_thread::sleep_for(kStep);
  }
  if (!first) return std::move(first).error();
  return false;
}

// While they were searched, a writer may have taken pages into use; and what it writes lies in free pages until its commit. What is
// still there in a second look, when nothing of that can be left, was deleted.
Status keep_what_stays(std::vector<Opened>& opened, std::vector<search::Answer>& answers, const Find& find, Duration quiet,
                       const std::stop_token& stop, std::vector<inventory::Unread>& left) {
  for (std::size_t i = 0; i < opened.size(); ++i) {
    std::vector<search::Hit>& hits = answers[i].hits;
    if (hits.empty()) continue;
    const auto settled = wait_until_settled(opened[i].database, quiet, stop);
    auto contents = settled && *settled ? scrub::look_into(opened[i].database) : Result<scrub::Contents>(Error(Errc::conflict, ""));
    if (!contents) {
      const Error& error = settled ? contents.error() : settled.error();
      left.push_back(unread(opened[i].database.name, error.message().empty() ? "is written to all the time" : error.message()));
      hits.clear();
      continue;
    }
    opened[i].contents = std::move(*contents);
    const search::Target target = target_of(opened[i]);
    auto again = find(std::span(&target, 1));
    if (!again) return std::move(again).error();
    std::erase_if(hits, [&](const search::Hit& hit) {
      return std::ranges::none_of(again->front().hits, [&](const search::Hit& other) {
        return std::tie(hit.rule, hit.begin, hit.end, hit.fingerprint) == std::tie(other.rule, other.begin, other.end, other.fingerprint);
      });
    });
  }
  return {};
}

FreedPages pages_of(const Opened& one) {
  FreedPages pages;
  pages.database = one.database.name;
  pages.pages = one.contents.free.pages;
  pages.free_pages = one.contents.free.free_pages;
  pages.old_pages = one.contents.old_pages;
  pages.old_bytes = {static_cast<std::int64_t>(one.contents.old_bytes)};
  if (pages.old_pages != 0) pages.state = FreedPages::State::found;
  return pages;
}

secrets::Finding finding_of(const search::Hit& hit, const Opened& one, const std::map<std::string, std::string>& origins) {
  secrets::Finding finding{hit.rule.empty() ? "known-value" : hit.rule, secrets::Source::content, "", hit.value, "", hit.fingerprint, hit.masked};
  finding.location = "freed page " + std::to_string(hit.begin / one.contents.meta.page_size) + ", byte " + std::to_string(hit.begin);
  if (hit.encoding != match::Encoding::plain) finding.location += ", in " + std::string(match::to_string(hit.encoding));
  const auto origin = origins.find(hit.fingerprint);
  finding.origin = !hit.rule.empty() ? hit.description : origin != origins.end() ? origin->second : "";
  if (finding.origin.empty()) finding.origin = hit.rule.empty() ? "a value that was recognised elsewhere" : hit.rule;
  return finding;
}

std::map<std::string, std::string> origins_of(std::span<const secrets::KnownValue> values, const Fingerprinter& fingerprint) {
  std::map<std::string, std::string> origins;
  for (const secrets::KnownValue& value : values) origins.emplace(fingerprint(value.value), value.origin);
  return origins;
}

std::vector<SecretValue> bare(std::span<const secrets::KnownValue> values) {
  std::vector<SecretValue> all;
  for (const secrets::KnownValue& value : values) all.push_back(value.value);
  return all;
}

// What the rules recognise in the freed bytes, and every value that is known by then.
Status search_in(std::vector<Opened>& opened, const ScrubRequest& request, Scrubbed& result) {
  auto search = request.search.get();
  if (!search) return std::move(search).error();
  for (const secrets::KnownValue& value : request.declared) result.known.add(value);
  bool is_complete = true;
  const Find find = [&](std::span<const search::Target> targets) -> Result<std::vector<search::Answer>> {
    auto outcome = (*search)->run(targets, bare(request.declared), request.stop, {});
    if (!outcome) return std::move(outcome).error();
    result.scanned += {static_cast<std::int64_t>(outcome->bytes_read)};
    is_complete &= outcome->is_complete;
    return std::move(outcome->targets);
  };
  std::vector<search::Target> targets;
  for (const Opened& one : opened) targets.push_back(target_of(one));
  auto answers = find(targets);
  if (!answers) return std::move(answers).error();
  if (!request.journal)
    if (Status kept = keep_what_stays(opened, *answers, find, kSettled, request.stop, result.unread); !kept) return kept;
  const auto origins = origins_of(request.declared, (*search)->fingerprint());
  for (std::size_t i = 0; i < opened.size(); ++i) {
    FreedPages pages = pages_of(opened[i]);
    for (const search::Hit& hit : (*answers)[i].hits) {
      pages.findings.push_back(finding_of(hit, opened[i], origins));
      if (hit.value && secrets::can_be_traced(hit.value->reveal())) result.known.add({*hit.value, pages.findings.back().origin, false});
    }
    for (const search::UnreadFile& file : (*answers)[i].unread) result.unread.push_back({opened[i].database.name, file.reason});
    result.databases.push_back(std::move(pages));
  }
  if (!is_complete) result.unread.push_back({"recognised secrets", "there are more than can be searched for in one run"});
  return {};
}

Status zero(const std::vector<Opened>& opened, const ScrubRequest& request, Scrubbed& result) {
  std::vector<Planned> planned;
  for (const FreedPages& pages : result.databases)
    if (pages.state == FreedPages::State::found) planned.push_back({pages.id(), ""});
  if (planned.empty()) return {};
  auto run = request.journal->begin(request.roots.engine_id, {"scrub", ""}, planned);
  if (!run) return std::move(run).error().within("nothing was changed");
  std::vector<Settlement> settlements;
  Status ended;
  for (std::size_t i = 0; i < opened.size(); ++i) {
    FreedPages& pages = result.databases[i];
    if (pages.state != FreedPages::State::found) continue;
    if (request.stop.stop_requested()) {
      ended = Error(Errc::cancelled, "interrupted; run scrub again to finish");
      settlements.push_back({pages.id(), Settled::owed, "interrupted"});
      continue;
    }
    const Status zeroed = scrub::zero_free_bytes(opened[i].database, opened[i].contents);
    pages.state = zeroed ? FreedPages::State::scrubbed : FreedPages::State::failed;
    if (!zeroed) pages.failure = zeroed.error().message();
    settlements.push_back({pages.id(), zeroed ? Settled::removed : Settled::owed, zeroed ? "scrubbed" : "error"});
  }
  if (Status settled = request.journal->settle(*run, settlements); !settled) return settled;
  if (Status done = request.journal->end(*run); !done) return done;
  return ended;
}

}  // namespace

Result<Scrubbed> scrub_databases(const ScrubRequest& request) {
  Scrubbed result;
  result.data_root = request.roots.data_root;
  auto databases = scrub::open_databases(request.roots, request.journal ? scrub::Access::write : scrub::Access::read);
  if (!databases) return std::move(databases).error().within("nothing was changed");
  std::vector<Opened> opened = look(std::move(*databases), result.unread);
  if (Status searched = search_in(opened, request, result); !searched) return std::move(searched).error();
  if (request.journal)
    if (Status zeroed = zero(opened, request, result); !zeroed) return std::move(zeroed).error();
  return result;
}

Result<FreedSecrets> find_freed(const FreedRequest& request) {
  FreedSecrets result;
  auto databases = scrub::open_databases(request.roots, scrub::Access::read);
  if (!databases) {
    result.unread.push_back({"the engine's databases", databases.error().message()});
    return result;
  }
  auto search = request.search.get();
  if (!search) return std::move(search).error();
  std::vector<Opened> opened = look(std::move(*databases), result.unread);
  const std::vector<SecretValue> known = bare(request.values);
  const Find find = [&](std::span<const search::Target> targets) { return (*search)->find_known(targets, known, request.stop); };
  std::vector<search::Target> targets;
  for (const Opened& one : opened) targets.push_back(target_of(one));
  auto answers = find(targets);
  if (!answers) return std::move(answers).error();
  if (Status kept = keep_what_stays(opened, *answers, find, request.settled, request.stop, result.unread); !kept) return std::move(kept).error();
  const auto origins = origins_of(request.values, (*search)->fingerprint());
  for (std::size_t i = 0; i < opened.size(); ++i) {
    FreedPages pages = pages_of(opened[i]);
    for (const search::Hit& hit : (*answers)[i].hits) pages.findings.push_back(finding_of(hit, opened[i], origins));
    for (const search::UnreadFile& file : (*answers)[i].unread) result.unread.push_back({opened[i].database.name, file.reason});
    result.databases.push_back(std::move(pages));
  }
  return result;
}

}  // namespace cleanerd::purge
