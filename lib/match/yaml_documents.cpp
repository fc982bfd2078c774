#include "match/yaml_documents.hpp"

#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <sstream>

namespace cleanerd::match {
namespace {

// Where the documents of a text begin, the first three of them. yaml-cpp 0.7 does not move past a `,` or `:` outside of any
// collection and finds documents without end there, which makes YAML::LoadAll take all memory.
class DocumentStarts final : public YAML::EventHandler {
 public:
  explicit DocumentStarts(const std::string& text) {
    std::istringstream input(text);
    YAML::Parser parser(input);
    while (starts.size() < 3 && parser.HandleNextDocument(*this)) {
    }
  }

  std::vector<YAML::Mark> starts;

 private:
  using Anchor = YAML::anchor_t;
  using Style = YAML::EmitterStyle::value;
  void OnDocumentStart(const YAML::Mark& mark) override { starts.push_back(mark); }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, Anchor) override {}
  void OnAlias(const YAML::Mark&, Anchor) override {}
  void OnScalar(const YAML::Mark&, const std::string&, Anchor, const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, Anchor, Style) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, Anchor, Style) override {}
  void OnMapEnd() override {}
};

}  // namespace

std::optional<DocumentProblem> document_problem(const std::string& text) {
  // yaml-cpp takes a NUL for the end of the file.
  if (text.find('\0') != std::string::npos) return DocumentProblem{YAML::Mark::null_mark(), "holds a NUL byte; expected YAML in UTF-8"};
  const std::vector<YAML::Mark> starts = DocumentStarts(text).starts;
  const auto same = [](const YAML::Mark& a, const YAML::Mark& b) { return a.pos == b.pos; };
  const auto stray = std::adjacent_find(starts.begin(), starts.end(), same);
  if (stray != starts.end()) return DocumentProblem{*stray, "not valid YAML: what stands here belongs to nothing"};
  if (starts.size() > 1) return DocumentProblem{starts[1], "more than one YAML document in a file; expected one"};
  return std::nullopt;
}

}  // namespace cleanerd::match
