// Names as a text: of files and directories, and what links point to. Internal to the library.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "search/streams.hpp"

namespace cleanerd::search {

// Collects names and searches many at a time. A hit in one is told of the path that has it, and stands for all of it.
class Names {
 public:
  explicit Names(Streams& streams) : streams_(streams) {}

  // Not while `streams` are in the middle of a file. `name` is a part of `path`, or what it points to.
  void add(std::string_view path, std::string_view name, Collected& into);
  // What was added since the last time.
  void search(Collected& into);

 private:
  struct Line {
    std::size_t text, path;  // where they begin
  };

  Streams& streams_;
  std::string text_, paths_;
  std::vector<Line> lines_;
};

}  // namespace cleanerd::search
