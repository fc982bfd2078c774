// YAML nodes of one file → plain values; every problem is noted and reading goes on. Internal to the library.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "policy/diagnostics.hpp"
#include "policy/match.hpp"

namespace cleanerd::policy {

class NodeReader {
 public:
  using Node = YAML::Node;
  using Keys = std::vector<std::pair<std::string_view, std::function<void(const Node&)>>>;

  NodeReader(std::vector<Diagnostic>& diagnostics, std::string file, const std::string& text);

  const std::string& file() const { return file_; }
  // How many there are so far, those that are not told included.
  std::size_t problems() const { return problems_; }
  void problem(const YAML::Mark& mark, std::string message);

  // Each reads the node's value, or notes what was expected in its place; `out` is changed in the first case alone.
  void map(const Node& node, const std::string& what, const Keys& keys);
  bool text(const Node& node, std::string& out, const char* expected);
  void path(const Node& node, std::optional<std::string>& out);
  void boolean(const Node& node, bool& out);
  void duration(const Node& node, Duration& out);
  void duration(const Node& node, Duration& out, Duration least, Duration most);
  void list(const Node& node, const char* expected, const std::function<void(const Node&, const std::string&)>& each);
  void texts(const Node& node, const char* expected, std::vector<std::string>& out);
  void labels(const Node& node, std::vector<LabelRule>& out);

 private:
  std::vector<Diagnostic>& diagnostics_;
  std::string file_;
  std::vector<std::string> lines_;
  std::size_t problems_ = 0;
};

}  // namespace cleanerd::policy
