// What will be removed and what is kept, each object with its reasons. A value, made by a pure function.
#pragma once

#include <string>
#include <vector>

#include "inventory/inventory.hpp"
#include "plan/filter.hpp"
#include "policy/policy.hpp"
#include "secrets/findings.hpp"

namespace cleanerd::plan {

using Index = inventory::Inventory::Index;

enum class Verdict { remove, keep };

struct Reason {
  std::string code;  // stable, for machines: docs/reasons.md
  std::string text;  // a sentence's rest: "carries a secret", for people
};

struct Item {
  Index object;
  Verdict verdict;
  bool secret;  // it carries one itself
  bool prune;   // with `remove`: what it holds goes, it stays (the state of a builder that runs)
  std::vector<Reason> reasons;
};

struct Plan {
  std::vector<Item> items;     // one per object of the inventory, in its order; running containers are there, kept
  std::vector<Index> removal;  // containers, images leaf first, cache records leaf first, build records, builders, leftovers
};

struct Selection {
  bool all = false;  // every finished build's residue, secret-bearing or not
  Filter filter;
  std::vector<std::string> unfinished;  // object ids that an interrupted purge had set out to remove
};

Plan make_plan(const inventory::Inventory& inventory, const secrets::Findings& findings, const policy::Policy& policy,
               const Selection& selection, Instant now);

}  // namespace cleanerd::plan
