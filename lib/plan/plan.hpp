// What will be removed and what is kept, each object with its reasons. A value, made by a pure function.
#pragma once

#include <string>
#include <vector>

#include "inventory/inventory.hpp"
#include "plan/filter.hpp"
#include "plan/reason.hpp"
#include "policy/policy.hpp"
#include "secrets/findings.hpp"

namespace cleanerd::plan {

enum class Verdict { remove, keep };

struct Item {
  Index object;
  Verdict verdict;
  bool secret;  // it carries one itself
  bool prune;   // with `remove`: what it holds goes, it stays (the state of a builder that runs)
  bool owed;    // with `remove`: by secrets or --all, so a later purge finishes it; otherwise only as long as a policy asks for it
  bool selected = true;  // the filter lets it through
  std::string policy;  // the name of the one that decided; empty: none did
  std::vector<Reason> reasons;  // never empty; the last one decided
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
