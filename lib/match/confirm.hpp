// The second look at a hit: the whole expression on a small window, boundaries, check, entropy, what is allowed.
// Internal to the library.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "match/rule.hpp"

namespace cleanerd::match {

// Expressions are compiled when first needed; may be used by many threads.
class Expression {
 public:
  Expression(std::string text, int max_memory) : text_(std::move(text)), max_memory_(max_memory) {}
  const RE2& re2() const;

 private:
  std::string text_;
  int max_memory_;
  mutable std::once_flag once_;
  mutable std::unique_ptr<RE2> re2_;
};

struct Confirmed {
  std::size_t begin;  // of the match, in the window
  std::size_t end;
  std::size_t secret_begin;
  std::size_t secret_end;
  std::string secret;
  bool checked;
};

class Confirmer {
 public:
  explicit Confirmer(const RuleSet& rules);

  struct Place {
    std::size_t first;     // the match begins here at the earliest …
    std::size_t to;        // … and before this, where the hit ended
    std::size_t reach;     // and ends here at the latest
    bool anchored;         // begins at `first`
    bool text;             // boundaries are asked
    std::string_view path;
  };
  std::optional<Confirmed> look(std::size_t rule, std::string_view window, const Place& place) const;

 private:
  std::optional<Confirmed> judge(std::size_t rule, std::string_view window, const re2::StringPiece* groups, int count,
                                 const Place& place) const;
  bool allowed(std::size_t rule, std::string_view secret, std::string_view path) const;

  struct Compiled {
    std::unique_ptr<Expression> at_hit;    // ends at the hit where the rule has no `confirm`
    std::unique_ptr<Expression> anchored;
    std::vector<std::unique_ptr<Expression>> allow;
  };
  struct Allow {
    std::unique_ptr<Expression> expression;  // nullptr: any secret
    const AllowRule* rule;
  };
  const RuleSet& rules_;
  std::vector<Compiled> compiled_;
  std::vector<Allow> allows_;
};

}  // namespace cleanerd::match
