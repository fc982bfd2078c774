#include "plan/left_by.hpp"

namespace cleanerd::plan {

std::vector<std::string> left_by(const inventory::Object& object, bool secret) {
  if (const auto* build = object.build()) return {build->ref.str()};
  std::vector<std::string> refs;
  if (object.builds.size() == 1 || secret)
    for (const BuildRef& build : object.builds) refs.push_back(build.str());
  return refs;
}

std::string left_by_text(const inventory::Object& object, bool secret) {
  std::string text;
  for (const std::string& ref : left_by(object, secret)) text += (text.empty() ? "" : " ") + ref;
  return text;
}

}  // namespace cleanerd::plan
