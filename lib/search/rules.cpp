#include "search/rules.hpp"

#include <utility>

#include "match/matcher.hpp"

namespace cleanerd::search {

Rules::Rules(std::string hash, Load load) : hash_(std::move(hash)), load_(std::move(load)) {}
Rules::Rules(match::RuleSet set) : hash_(set.hash), load_([set = std::move(set)] { return set; }) {}
Rules::Rules(Rules&&) noexcept = default;
Rules& Rules::operator=(Rules&&) noexcept = default;
Rules::~Rules() = default;

Result<const match::Matcher*> Rules::matcher(const std::string& cache_directory) {
  if (matcher_) return matcher_.get();
  auto set = load_();
  if (!set) return std::move(set).error();
  if (set->hash != hash_) return Error(Errc::config, "the rules for secrets were changed meanwhile; try again");
  for (match::Rule& rule : set->rules) {  // their examples are for who checks them
    rule.match = {};
    rule.reject = {};
  }
  auto made = match::Matcher::make(std::move(*set), {}, {cache_directory});
  if (!made) return std::move(made).error().within("the rules for secrets");
  matcher_ = std::make_unique<match::Matcher>(std::move(*made));
  return matcher_.get();
}

}  // namespace cleanerd::search
