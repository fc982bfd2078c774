#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "match/rule.hpp"

namespace cleanerd::match {
class Matcher;
}

namespace cleanerd::search {

// The rules of a search. Where the scan cache has all answers, nothing but their hash is needed: they are read when something is to be
// searched.
class Rules {
 public:
  using Load = std::function<Result<match::RuleSet>()>;

  // `hash` is what the hash of the loaded rules will be.
  Rules(std::string hash, Load load);
  explicit Rules(match::RuleSet set);
  Rules(Rules&&) noexcept;
  Rules& operator=(Rules&&) noexcept;
  ~Rules();

  const std::string& hash() const { return hash_; }
  // Compiled, or taken compiled from the directory. Errc::config when the rules are wrong, or were changed since they were hashed.
  Result<const match::Matcher*> matcher(const std::string& cache_directory);

 private:
  std::string hash_;
  Load load_;
  std::unique_ptr<match::Matcher> matcher_;
};

}  // namespace cleanerd::search
