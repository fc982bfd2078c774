// What of a purge's (or a plan's) document is a session's, or a `cleanerctl run`'s: what it left, and the images that it made.
#pragma once

#include "base/secret_value.hpp"
#include "engine/client.hpp"
#include "purge/look.hpp"
#include "report/document.hpp"
#include "secrets/value_set.hpp"

namespace cleanerd::service {

struct Session {
  Instant since;
  std::span<const secrets::KnownValue> declared;
  std::span<const secrets::KnownValue> of_others;  // what other sessions that are open declared
};

// Takes out what was there before the session and holds none of its values, or belongs to a build that runs: that is told by the next look
// at it and fails no pipeline. A file that could not be read and has not changed since the begin is taken out as well. Images that were made or tagged meanwhile and carry a secret, also one that they got from their base, are
// put in. `summary.remaining_secrets` counts what is left then. `after` is the last look.
void limit_to_session(report::Document& document, const purge::Look& after, const Session& session, const engine::Client& engine,
                      const Fingerprinter& fingerprint);

}  // namespace cleanerd::service
