// A compiled Vectorscan database. Internal to the library.
#pragma once

#include <hs/hs.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "match/secure_memory.hpp"

namespace cleanerd::match {

struct HsDatabaseFree {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
};
using Database = std::unique_ptr<hs_database_t, HsDatabaseFree>;

struct HsScratchFree {
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};
using Scratch = std::unique_ptr<hs_scratch_t, HsScratchFree>;

// Expressions and literals side by side; the number of each is its place. The text is wiped with the object.
class PatternList {
 public:
  void add_expression(std::string_view expression);
  void add_literal(std::string_view bytes);
  std::size_t size() const { return offsets_.size(); }
  bool empty() const { return offsets_.empty(); }

  // nullptr of an empty list.
  Result<Database> compile() const;
  std::string hash() const;

 private:
  SecureBytes text_;  // zero-terminated, one after the other
  std::vector<std::size_t> offsets_;
};

// Called once before anything of Vectorscan is; fails on a processor that it does not run on.
Status prepare_vectorscan();

// What a serialised database is good for: Vectorscan's version and the processor's features.
std::string vectorscan_target();

}  // namespace cleanerd::match
