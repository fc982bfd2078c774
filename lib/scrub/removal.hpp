// Takes away a directory or file with all that is in it: no link followed, no mount point crossed.
#pragma once

#include <string>

#include "base/result.hpp"
#include "storage/file.hpp"

namespace cleanerd::scrub {

class Removal {
 public:
  // Each level holds a descriptor, of which a process has a thousand.
  explicit Removal(int deepest) : deepest_(deepest) {}

  // Of the first file that could not go, mounts aside.
  Status status() const;
  bool met_a_mount() const { return mounted_; }

  // True when the name is free afterwards.
  bool remove(const storage::Descriptor& directory, const std::string& name) { return remove(directory, name, deepest_); }

 private:
  bool remove(const storage::Descriptor& directory, const std::string& name, int depth);
  bool fail(int error);

  int deepest_;
  int failed_ = 0;
  bool mounted_ = false;
};

}  // namespace cleanerd::scrub
