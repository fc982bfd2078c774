// What a graphdriver's store has told of its images and layers, for as long as each is the same file or directory: a service that looks
// again and again need not read thousands of small files each time. For one look at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "engine/types.hpp"
#include "storage/file.hpp"

namespace cleanerd::storage {

template <class T>
class Kept {
 public:
  // `now`: of the file or directory that told it. Null where nothing is known, or it was another one then. Lasts until the next call.
  const T* find(const std::string& id, const Stamp& now) {
    const auto known = all_.find(id);
    if (known == all_.end() || known->second.stamp != now.hash) return nullptr;
    known->second.asked_for = true;
    return &known->second.told;
  }
  // `stamp`: from before it was read.
  const T& put(const std::string& id, const Stamp& stamp, T told) {
    return all_.insert_or_assign(id, Entry{stamp.hash, true, std::move(told)}).first->second.told;
  }
  // What was not asked for since the last time is no more.
  void forget_the_rest() {
    std::erase_if(all_, [](const auto& one) { return !one.second.asked_for; });
    for (auto& [id, entry] : all_) entry.asked_for = false;
  }
  std::size_t size() const { return all_.size(); }

 private:
  struct Entry {
    std::uint64_t stamp = 0;
    bool asked_for = false;
    T told;
  };
  std::unordered_map<std::string, Entry> all_;
};

struct Memory {
  struct Image {  // a config file that is what its digest says
    engine::ImageConfig config;
    std::vector<std::string> chain_ids;  // of its layers, lowest first
  };
  struct Layer {  // files of its directory in layerdb
    std::optional<std::string> cache_id;
    std::optional<std::int64_t> size;  // bytes
  };
  Kept<Image> images;  // by id
  Kept<Layer> layers;  // by chain id
};

}  // namespace cleanerd::storage
