// One rule file's nodes → rules; every problem is noted and reading goes on. Internal to the library.
#pragma once

#include <yaml-cpp/yaml.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "match/load_rules.hpp"

namespace cleanerd::match {

class RuleReader {
 public:
  // proven: the tests have shown that the expressions compile and that there are examples; neither is looked at again.
  enum class Trust { proven, none };
  RuleReader(LoadedRules& loaded, std::string file, const std::string& text, bool may_replace, Trust trust);

  void root(const YAML::Node& node);
  void problem(const YAML::Mark& mark, std::string message);

 private:
  using Keys = std::vector<std::pair<std::string_view, std::function<void(const YAML::Node&)>>>;

  void map(const YAML::Node& node, const std::string& what, const Keys& keys);
  bool text(const YAML::Node& node, std::string& out, const char* expected);
  void texts(const YAML::Node& node, std::vector<std::string>& out, const char* expected);
  void expression(const YAML::Node& node, std::string& out);
  void expressions(const YAML::Node& node, std::vector<std::string>& out);
  void identifier(const YAML::Node& node, std::string& out);
  template <class Value>
  void choice(const YAML::Node& node, Value& out, const std::vector<std::pair<std::string_view, Value>>& values);
  void number(const YAML::Node& node, double low, double high, double& out);
  void rule(const YAML::Node& node);
  void allow(const YAML::Node& node);
  void complete(const YAML::Node& node, Rule& rule, const std::string& name);
  void keep(const YAML::Node& node, Rule rule);

  LoadedRules& loaded_;
  std::string file_;
  std::vector<std::string> lines_;
  bool may_replace_;
  Trust trust_;
};

}  // namespace cleanerd::match
