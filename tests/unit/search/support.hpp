// Shared by the tests of lib/search: a few rules, a tree of files, and what is found in it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "match/load_rules.hpp"
#include "search/read_places.hpp"
#include "search/search.hpp"
#include "support/builders.hpp"
#include "support/files.hpp"

namespace cleanerd::search {

using test::new_secret;

// `token` finds test::new_secret("tok_") anywhere; `npmrc` and `registry` a value that looks like nothing, by where it stands;
// `assigned` is loose; `store` takes the file as such.
match::RuleSet some_rules(const std::string& more = "");

match::Matcher matcher_of(match::RuleSet rules, std::vector<SecretValue> known = {});
inline std::string new_token() { return new_secret("tok_"); }

// Words and line ends in which no rule finds anything.
std::string filler(std::size_t size);

// "token d/file": rule and file of each hit, in order; "known …" for a known value.
std::vector<std::string> found(const Answer& answer);
// All there is to say of an answer, without the values.
std::string text_of(const Answer& answer);

inline const Fingerprinter kFingerprint{Fingerprinter::Key{1, 2, 3}};

class PlacesTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& content) { test::write_file(root() + "/" + path, content); }
  std::string root() const { return directory_.path().string(); }
  std::string path(const std::string& name) const { return root() + "/" + name; }

  std::vector<Answer> read(const std::vector<std::string>& places, const std::vector<std::string>& known = {}, ReadOptions options = {});
  // What is in one place below the root; the whole root without a name.
  Answer read_one(const std::string& place = "", const std::vector<std::string>& known = {}, const ReadOptions& options = {});

 private:
  test::TempDir directory_;
};

// Whole searches, with their state in the same directory. Each that is opened is another process's, as far as that can be.
class WholeSearchTest : public PlacesTest {
 protected:
  Target place(const std::string& name, bool fixed = true) const { return {"/" + name, path(name), fixed, {}}; }
  Options options() const;
  static Search opened(const Options& options, const std::string& more_rules = "");
};

}  // namespace cleanerd::search
