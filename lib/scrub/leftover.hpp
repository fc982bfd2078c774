// Removes what interrupted work left in a data root, where the configuration says so: temporary files, received parts, layers that
// nothing names, the tree of a store that is not in use. The caller has made sure that no build runs and that nothing on the disk
// names it.
#pragma once

#include <string>

#include "base/result.hpp"
#include "storage/engine_process.hpp"
#include "storage/file.hpp"

namespace cleanerd::scrub {

struct DataRootOfEngine {
  std::string path;             // as the engine calls it
  std::string seen_as;          // by this process, with the engine's own mounts below it
  storage::EngineProcess engine;
};

struct Leftover {
  std::string path;      // storage::Place's, from the data root; of a layer its "diff"
  storage::Stamp stamp;  // when it was listed
  Instant untouched;     // nothing in it was changed since, directories included
};

// A layer goes with its directory and its link in overlay2/l. Everything is looked at once more before the first file goes, and
// nothing goes then unless all of it may. Errc::not_found: it is gone; ::conflict: it was changed meanwhile, or something in it is mounted or
// open in the engine; ::io for the rest.
Status remove_leftover(const DataRootOfEngine& root, const Leftover& leftover);

}  // namespace cleanerd::scrub
