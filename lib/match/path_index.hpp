// Which rules' path patterns a file's path fits. A pattern's last part is compared with the file's name, the parts before
// with the folders above; `*` in a part is any run. Case does not matter.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace cleanerd::match {

class PathIndex {
 public:
  void add(std::string_view pattern, std::size_t rule);
  // Each rule once.
  void find(std::string_view path, std::vector<std::size_t>& rules) const;

 private:
  struct Entry {
    std::string pattern;
    std::size_t rule;
  };
  std::unordered_map<std::string, std::vector<Entry>> by_name_;       // exact last part
  std::unordered_map<std::string, std::vector<Entry>> by_extension_;  // "*.ext"
  std::vector<Entry> others_;
};

// Whether the end of `path` fits `pattern`, part by part.
bool path_fits(std::string_view pattern, std::string_view path);

}  // namespace cleanerd::match
