#include "match/expression.hpp"

#include <hs/hs.h>
#include <re2/re2.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace cleanerd::match {

std::string expression_problem(const std::string& expression) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  const RE2 re(expression, options);
  return re.ok() ? "" : re.error();
}

Result<Width> pattern_width(const std::string& pattern) {
  hs_expr_info_t* info = nullptr;
  hs_compile_error_t* error = nullptr;
  if (hs_expression_info(pattern.c_str(), 0, &info, &error) != HS_SUCCESS) {
    const std::unique_ptr<hs_compile_error_t, decltype(&hs_free_compile_error)> owner(error, &hs_free_compile_error);
    return Error(Errc::config, std::string("not a pattern that Vectorscan takes: ") + (error ? error->message : "out of memory"));
  }
  const unsigned width = info->max_width;
  const unsigned least = info->min_width;
  std::free(info);
  if (least == 0) return Error(Errc::config, "the pattern matches nothing at all (the empty text)");
  Width both{.least = least};
  if (width != UINT_MAX) both.most = width;
  return both;
}

std::string literal_prefix(const std::string& pattern) {
  constexpr std::string_view kMeta = "[](){}.*+?|^$\\";
  std::string prefix;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    char c = pattern[i];
    if (c == '|') return "";
    if (c == '\\' && i + 1 < pattern.size() && std::string_view(".-/+*?$^|()[]{}").find(pattern[i + 1]) != std::string_view::npos)
      c = pattern[++i];
    else if (kMeta.find(c) != std::string_view::npos) {
      if (!prefix.empty() && (c == '?' || c == '*' || c == '{')) prefix.pop_back();
      break;
    }
    prefix += c;
  }
  int depth = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') ++i;
    else if (pattern[i] == '[') i = std::min(pattern.find(']', i + 2), pattern.size());
    else if (pattern[i] == '(') ++depth;
    else if (pattern[i] == ')') --depth;
    else if (pattern[i] == '|' && depth == 0) return "";
  }
  return prefix;
}

}  // namespace cleanerd::match
