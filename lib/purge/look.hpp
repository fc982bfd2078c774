// The first four steps: engine → inventory → secrets → plan. Changes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/result.hpp"
#include "inventory/collect.hpp"
#include "inventory/host.hpp"
#include "inventory/inventory.hpp"
#include "plan/plan.hpp"
#include "policy/policy.hpp"
#include "purge/freed.hpp"
#include "search/search.hpp"
#include "secrets/findings.hpp"

namespace cleanerd::purge {

struct Look {
  inventory::Inventory inventory;
  secrets::Findings findings;
  plan::Plan plan;
  std::vector<inventory::Unread> unread;  // all of it, the inventory's included
  std::vector<FreedPages> freed{};        // looked into where somebody asks for it
};

struct LookRequest {
  const inventory::Host& host;
  const policy::Policy& policy;
  const plan::Selection& selection;
  const std::vector<secrets::KnownValue>& declared;
  search::Opening& search;
  std::stop_token stop;
  std::function<void(std::uint64_t bytes)> on_bytes;  // read since the last call; from several threads
  inventory::Lists lists = inventory::Lists::of_engine;
};

Result<Look> look(const LookRequest& request);

// Asked of the engine right now.
Result<bool> buildkit_works(const inventory::Host& host);

// Searches the freed pages of the engine's databases for the values, too; nothing where the data root cannot be read.
Status look_into_freed_pages(Look& look, std::span<const secrets::KnownValue> values, search::Opening& search, Duration settled,
                             std::stop_token stop);

// What is left of a look when only these values count.
Look only_values(Look look, const std::vector<secrets::KnownValue>& values, const Fingerprinter& fingerprint);

}  // namespace cleanerd::purge
