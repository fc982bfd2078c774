// What a configuration or rule file is not: several documents, or what YAML::Load and LoadAll do not survive.
#pragma once

#include <yaml-cpp/yaml.h>

#include <optional>
#include <string>
#include <vector>

namespace cleanerd::match {

// Why a text is not one YAML document, and where; the text may still be no YAML otherwise (YAML::Exception, also from here).
struct DocumentProblem {
  YAML::Mark mark;
  const char* message;
};
std::optional<DocumentProblem> document_problem(const std::string& text);

}  // namespace cleanerd::match
