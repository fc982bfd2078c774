// Which objects carry a secret, and how that is known.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret_value.hpp"
#include "inventory/inventory.hpp"
#include "secrets/names.hpp"
#include "secrets/value_set.hpp"

namespace cleanerd::secrets {

enum class Source { build_arg, history, env, label, description, path, content, log, known };
std::string_view to_string(Source source);  // "build-arg"

struct Finding {
  std::string rule;                  // "secret-name", "known-value", "secret-step", or a rule's of config/rules
  Source source;
  std::string location;              // where in the object, without the secret
  std::optional<SecretValue> value;  // nullopt: the host does not tell it, or only an earlier search has seen it
  std::string origin;                // how it is known to be one
  // Of a value that an earlier search has seen.
  std::string fingerprint{};
  std::string masked{};
};

struct Findings {
  std::vector<std::vector<Finding>> of;  // by Inventory::Index
  ValueSet known;                        // declared and traced values; what every output is redacted with
  ByteSize scanned;                      // bytes of places that were read for it; 0 when all was known from before

  bool carries(inventory::Inventory::Index index) const { return !of[index].empty(); }
};

// What has a secret's name gives values away; declared ones are known from the start. Cache records whose step uses an argument
// with a secret's name carry what it wrote. A stopped container that no build made counts only where it holds a value known
// otherwise; a running one is nobody's residue and is not looked at.
Findings find_by_name(const inventory::Inventory& inventory, const NameRules& names, std::span<const KnownValue> declared);

// Every known value, looked for as it is in all texts of all objects.
void find_known_in_texts(const inventory::Inventory& inventory, Findings& findings);

// Both.
Findings find_secrets(const inventory::Inventory& inventory, const NameRules& names, std::span<const KnownValue> declared);

}  // namespace cleanerd::secrets
