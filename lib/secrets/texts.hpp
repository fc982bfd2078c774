// The texts of an object that the engine's API tells: variables, labels, steps, commands.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inventory/inventory.hpp"
#include "secrets/findings.hpp"
#include "secrets/value_set.hpp"

namespace cleanerd::secrets {

struct Text {
  std::string_view text;  // lives as long as the object
  Source source;
  std::string_view what;  // "variable", "label"
  std::string_view name;  // of the label or attribute; else empty, and `number` says which it is
  std::size_t number = 0;
};

// In an order that depends on the object alone.
std::vector<Text> texts_of(const inventory::Object& object);

// "history step 3", "label maintainer".
std::string location_of(const Text& text, const ValueSet& known);

// "image 0123456789ab", for people.
std::string name_of(const inventory::Object& object);

}  // namespace cleanerd::secrets
