// What a Dockerfile does with its arguments.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "inventory/inventory.hpp"
#include "secrets/names.hpp"

namespace cleanerd::secrets {

// Names of arguments that become a secret by the name that they are handed on under: T of `ENV API_KEY=$T`, `ARG API_KEY=${T:-x}`.
std::set<std::string, std::less<>> handed_on_as_secrets(std::string_view dockerfile, const NameRules& names);

// What the Dockerfiles of one build hand on.
struct HandedOn {
  std::set<std::string, std::less<>> arguments;
  Instant last_used;  // of the record that holds them: in the course of that build

  // Whether they can be that build's: others have arguments of the same name.
  bool is_of(const engine::BuildRecord& build) const;
};

// Of all Dockerfiles that BuildKit keeps on the disk: the last one of each that a client sent. Empty where the data root is not read.
std::vector<HandedOn> handed_on_as_secrets(const inventory::Inventory& inventory, const NameRules& names);

}  // namespace cleanerd::secrets
