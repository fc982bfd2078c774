#include "http/router.hpp"

#include <optional>
#include <set>

#include "http/target.hpp"

namespace cleanerd::http {
namespace {

bool is_capture(std::string_view segment) { return segment.size() > 2 && segment.front() == '{' && segment.back() == '}'; }

std::optional<Parameters> fit(const std::vector<std::string>& pattern, const std::vector<std::string>& segments) {
  if (pattern.size() != segments.size()) return std::nullopt;
  Parameters captures;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (is_capture(pattern[i]) && !segments[i].empty())
      captures.emplace_back(pattern[i].substr(1, pattern[i].size() - 2), segments[i]);
    else if (pattern[i] != segments[i])
      return std::nullopt;
  }
  return captures;
}

std::string joined(const std::set<std::string>& methods) {
  std::string text;
  for (const std::string& method : methods) text += (text.empty() ? "" : ", ") + method;
  return text;
}

}  // namespace

Router& Router::add(std::string method, std::string_view pattern, Handler handler, Work work) {
  auto segments = segments_of(pattern);
  routes_.push_back({std::move(method), segments ? std::move(*segments) : std::vector<std::string>(), std::move(handler), work});
  return *this;
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
  const auto segments = segments_of(path);
  if (!segments) return {404};
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    auto captures = fit(route.segments, *segments);
    if (!captures) continue;
    if (route.method == wanted) return {200, &route.handler, route.work, std::move(*captures)};
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
  }
  if (allowed.empty()) return {404};
  Match match{405};
  match.allow = joined(allowed);
  return match;
}

}  // namespace cleanerd::http
