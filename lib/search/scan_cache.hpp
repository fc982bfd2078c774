// What earlier searches found in a place, so that unchanged bytes are read once. Holds fingerprints and masks, never a value.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>

#include "search/hit.hpp"

namespace cleanerd::search {

// Fingerprints of known values.
using KnownSet = std::set<std::string, std::less<>>;

struct CacheEntry {
  std::string identity;  // of the place's content: search.cpp
  std::string rules;     // hash of the rules that it was searched with
  std::shared_ptr<const KnownSet> known;  // values that it was searched for, too
  Answer answer;
};

// <state_dir>/scan.db (SQLite). A file that cannot be had, or is none of ours, makes a cache that lasts as long as this object:
// the answers are the same, only later.
class ScanCache {
 public:
  // `engine` keeps the hosts of one state directory apart.
  ScanCache(const std::string& state_dir, const std::string& engine);
  ScanCache(ScanCache&&) noexcept;
  ScanCache& operator=(ScanCache&&) noexcept;
  ~ScanCache();

  // Closes the file, for as long as nothing is to be saved.
  void close();
  // Opens it again. False where what this holds is not what a new one would read: another has written since, or the file is another.
  bool reopen(const std::string& state_dir, const std::string& engine);

  // nullptr when the place is not known. The pointer lasts until the next call that changes something.
  const CacheEntry* find(const std::string& place);
  void put(const std::string& place, CacheEntry entry);
  // Forgets every place that is not among these.
  void keep_only(const std::unordered_set<std::string_view>& places);
  // To the disk, in one transaction.
  void save();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cleanerd::search
