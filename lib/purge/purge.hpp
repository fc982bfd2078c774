// Carries a plan out, then looks at the host again.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>

#include "purge/journal.hpp"
#include "purge/look.hpp"

namespace cleanerd::purge {

enum class State {
  removed,  // looked for afterwards and not found
  kept,     // in use or needed by now, or not reached; the next purge tries again
  failed,   // the engine refused, or says removed and still shows it
};

struct Outcome {
  State state;
  plan::Reason reason;
};

struct Report {
  std::map<std::string, Outcome> outcomes;  // of every object that was to be removed, by its id
  std::optional<Look> after;                // the host afterwards; nullopt when it could not be looked at
  std::vector<secrets::KnownValue> removed_values;  // those that what was removed held
  std::optional<Instant> traces_until;      // until when traces of removed builds may appear (buildkit::Traces::left_for_later)
  ByteSize freed;                           // as far as the engine tells: images' and records' sizes
  std::optional<Error> error;               // what ended the purge early; the outcomes say what was done until then
};

struct Request {
  const inventory::Host& host;
  const policy::Policy& policy;
  const plan::Selection& selection;
  const std::vector<secrets::KnownValue>& declared;
  search::Opening& search;
  Journal& journal;
  Cause cause;
  buildkit::Traces traces;
  std::stop_token stop;                                          // honoured between two removals
  std::function<void(std::size_t done, std::size_t total)> on_progress;
};

// Containers, images leaf first, cache records in one call, build records, builders, leftovers of interrupted steps, then content that
// nothing holds. Before each of these the host is looked at and planned again, and what is no longer to be removed then is kept; each image's tags are looked at once more right before it goes.
// Never throws for anything that the engine does; a removal is on the journal before it happens.
Report carry_out(const Look& planned, const Request& request);

// Settles what earlier purges left open and `now` shows to be gone, or to have been given a tag or protection since.
Status settle_earlier(Journal& journal, const Look& now);

}  // namespace cleanerd::purge
