#include "purge/freed.hpp"

#include <algorithm>
#include <map>

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

// What the rules recognise in the freed bytes, and every value that is known by then.
Status search_in(const std::vector<Opened>& opened, const ScrubRequest& request, Scrubbed& result) {
  auto search = request.search.get();
  if (!search) return std::move(search).error();
  std::vector<search::Target> targets;
  for (const Opened& one : opened) {
    const search::Stream stream = [&one](const std::function<void(const match::ByteSource&)>& read) {
      read(scrub::only_free_bytes(one.database, one.contents));
      return Status();
    };
    const std::string revision = one.contents.digest + ":" + std::to_string(one.contents.old_bytes) + ":" + format_rfc3339(system_now());
    targets.push_back({"freed pages of " + one.database.name, "", false, {}, stream, revision});
  }
  std::vector<SecretValue> known;
  std::map<std::string, std::string> origins;  // by fingerprint
  for (const secrets::KnownValue& value : request.declared) {
    result.known.add(value);
    known.push_back(value.value);
    origins.emplace((*search)->fingerprint()(value.value), value.origin);
  }
  auto outcome = (*search)->run(targets, known, request.stop, {});
  if (!outcome) return std::move(outcome).error();
  result.scanned = {static_cast<std::int64_t>(outcome->bytes_read)};
  for (std::size_t i = 0; i < opened.size(); ++i) {
    for (const search::Hit& hit : outcome->targets[i].hits) {
      secrets::Finding finding{hit.rule.empty() ? "known-value" : hit.rule, secrets::Source::content, "", hit.value, "", hit.fingerprint, hit.masked};
      finding.location = "freed page " + std::to_string(hit.begin / opened[i].contents.meta.page_size) + ", byte " + std::to_string(hit.begin);
      if (hit.encoding != match::Encoding::plain) finding.location += ", in " + std::string(match::to_string(hit.encoding));
      const auto origin = origins.find(hit.fingerprint);
      finding.origin = !hit.rule.empty() ? hit.description : origin != origins.end() ? origin->second : "";
      if (finding.origin.empty()) finding.origin = hit.rule.empty() ? "a value that was recognised elsewhere" : hit.rule;
      if (hit.value && secrets::is_searchable(hit.value->reveal())) result.known.add({*hit.value, finding.origin, false});
      result.databases[i].findings.push_back(std::move(finding));
    }
    for (const search::UnreadFile& file : outcome->targets[i].unread) result.unread.push_back({opened[i].database.name, file.reason});
  }
  if (!outcome->is_complete) result.unread.push_back({"recognised secrets", "there are more than can be searched for in one run"});
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
  const std::vector<Opened> opened = look(std::move(*databases), result.unread);
  for (const Opened& one : opened) {
    FreedPages pages;
    pages.database = one.database.name;
    pages.pages = one.contents.free.pages;
    pages.free_pages = one.contents.free.free_pages;
    pages.old_pages = one.contents.old_pages;
    pages.old_bytes = {static_cast<std::int64_t>(one.contents.old_bytes)};
    if (pages.old_pages != 0) pages.state = FreedPages::State::found;
    result.databases.push_back(std::move(pages));
  }
  if (Status searched = search_in(opened, request, result); !searched) return std::move(searched).error();
  if (request.journal)
    if (Status zeroed = zero(opened, request, result); !zeroed) return std::move(zeroed).error();
  return result;
}

}  // namespace cleanerd::purge
