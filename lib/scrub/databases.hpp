// The bbolt databases of an engine: found, and opened for reading beside it, or locked as the engine itself locks them.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "storage/file.hpp"

namespace cleanerd::scrub {

struct RootOptions {
  std::string data_root;   // empty: what daemon.json says, else /var/lib/docker
  std::string containerd;  // empty: /var/lib/containerd beside a data root that was not named either
  std::string daemon_json = "/etc/docker/daemon.json";
  std::string system_containerd = "/var/lib/containerd";
};

// Where an engine keeps its data; without links.
struct Roots {
  std::string data_root;
  std::string containerd;  // empty: none of its own, or in the data root
  std::string engine_id;   // <data root>/engine-id; of engines before 23 the data root's path
  std::string prefix;      // how this process calls the `/` that both paths begin at; empty: its own
};

// Errc::usage where a directory is not what an engine or containerd makes of it, Errc::config for a daemon.json that is none.
Result<Roots> find_roots(const RootOptions& options);

// Of an engine that runs: its data root and the same as this process sees it. Its containerd's is in the data root, else the system's.
Roots roots_of_engine(const std::string& data_root, const std::string& seen_as);

struct Database {
  std::string name;  // the path from the data root, or the whole path outside
  storage::Descriptor file;
};

struct Databases {
  std::vector<Database> all;  // locked until they go out of scope, where they were opened for writing
  std::vector<Error> left;    // what cannot be opened: each begins with the name
};

enum class Access { read, write };

// For writing all of them or none: Errc::conflict when another process holds one of the locks, which an engine and containerd do as
// long as they run (bbolt's flock in bolt_unix.go, held from opening to closing). For reading no lock is taken or asked for. No link
// is followed and no mount point crossed; a file with a second name is not opened for writing, for that may be somebody's backup.
Result<Databases> open_databases(const Roots& roots, Access access);

}  // namespace cleanerd::scrub
