// Signs of builds in the engine's data root (inotify(7)): for classic builds, and for BuildKit's on engines that tell nothing of them.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "policy/policy.hpp"

namespace cleanerd::service {

struct FileSigns {
  // The context of a classic build, a folder's name, came or went. One that came goes once, also where that was not seen.
  std::function<void(const std::string& context, bool begun)> classic;
  std::function<void()> lost{};             // more happened than could be told: builds may have come and gone unseen
  std::function<void()> cache;              // BuildKit's databases were written and have been left alone since, or nothing was watched before
  std::function<void(double free)> space;   // twice a minute: the smaller share of bytes and inodes that is free, 0 to 1
  std::function<std::stop_token()> same_engine;  // stopped when the engine that answers now goes: the next may have another data root
};

// Until the stop is requested; where the data root cannot be read there are no signs, and the rounds at an interval remain.
void watch_files(const std::string& host, const policy::Policy& policy, const FileSigns& signs, std::stop_token stop);

}  // namespace cleanerd::service
