// Which variables, build arguments and labels are secrets by their name, and which values can be ones.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cleanerd::secrets {

// Globs over the name in upper case, with `-` and `.` read as `_`. An exception wins over a pattern.
class NameRules {
 public:
  NameRules();  // the built-in ones
  NameRules(std::vector<std::string> patterns, std::vector<std::string> exceptions);

  void add(std::span<const std::string> patterns, std::span<const std::string> exceptions);
  bool is_secret(std::string_view name) const;

  const std::vector<std::string>& patterns() const { return patterns_; }
  const std::vector<std::string>& exceptions() const { return exceptions_; }

  // All of them: the same for the same rules.
  std::string text() const;

 private:
  std::vector<std::string> patterns_;
  std::vector<std::string> exceptions_;
};

// False for what stands where a secret could but is none: empty, a switch (`true`, `0`, `none`), a reference (`$X`,
// `/run/secrets/x`), a mask (`***`, `<token>`), a path (`/certs/tls.key`), an address without any part that could be one.
bool can_be_secret(std::string_view value);

// Long and rare enough to be searched for everywhere; a shorter or commoner one is followed by structure alone.
bool is_searchable(std::string_view value);

// The same of a value that nobody has declared: a name or a rule alone takes it for a secret, and it is no path or everyday word, which
// innocent objects hold.
bool can_be_traced(std::string_view value);

// What a service is set up with where people try it (`guest`, `postgres`): in an address it tells nobody anything.
bool is_preset_password(std::string_view value);

}  // namespace cleanerd::secrets
