#include <sstream>

#include "packaging/man/roff.hpp"

namespace cleanerd::man {
namespace {

// **bold**, *emphasis*, `code` and [text](target) within a line.
std::string spans(const std::string& line) {
  std::string out, font = "\\fR";
  std::size_t at = 0;
  const auto toggle = [&](const char* wanted, std::size_t marks) {
    font = font == wanted ? "\\fR" : wanted;
    out += font;
    at += marks;
  };
  while (at < line.size()) {
    const std::string rest = line.substr(at);
    const auto close = rest.find("](");
    if (rest.starts_with("**")) toggle("\\fB", 2);
    else if (rest[0] == '`' || (rest[0] == '*' && rest.find('*', 1) != std::string::npos && font != "\\fB")) {
      const auto end = rest.find(rest[0], 1);
      out += std::string(rest[0] == '`' ? "\\fB" : "\\fI") + escaped(rest.substr(1, end - 1)) + font;
      at += end == std::string::npos ? rest.size() : end + 1;
    } else if (rest[0] == '[' && close != std::string::npos) {
      out += spans(rest.substr(1, close - 1));
      const auto end = rest.find(')', close);
      at += end == std::string::npos ? rest.size() : end + 1;
    } else {
      out += out.empty() || rest[0] == '-' || rest[0] == '\\' ? escaped(rest.substr(0, 1)) : rest.substr(0, 1);
      ++at;
    }
  }
  return out;
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

// A table's row is a paragraph: its first cell is the tag.
std::string row(const std::string& line) {
  std::istringstream cells(line.substr(1));
  std::string cell, out;
  for (int column = 0; std::getline(cells, cell, '|'); ++column) {
    cell.erase(0, cell.find_first_not_of(' '));
    cell.erase(cell.find_last_not_of(' ') + 1);
    if (column == 0) out += ".TP\n" + (cell.empty() ? "\\&" : spans(cell)) + "\n";
    else if (!cell.empty()) out += spans(cell) + "\n";
  }
  return out;
}

}  // namespace

std::string from_markdown(const std::string& text) {
  std::istringstream lines(text);
  std::string line, out;
  bool code = false, fresh = true;  // fresh: the next line of text begins a paragraph
  while (std::getline(lines, line)) {
    if (line.starts_with("```")) {
      out += code ? ".EE\n.RE\n" : ".PP\n.RS 4\n.EX\n";
      code = !code;
      fresh = true;
    } else if (code) {
      out += escaped(line) + "\n";
    } else if (line.starts_with("# ")) {
      continue;  // the page's title
    } else if (line.starts_with("## ")) {
      out += ".SH \"" + upper(spans(line.substr(3))) + "\"\n";
      fresh = false;
    } else if (line.starts_with("### ")) {
      out += ".SS \"" + spans(line.substr(4)) + "\"\n";
      fresh = false;
    } else if (line.starts_with("|")) {
      if (!line.starts_with("|-") && !line.starts_with("| -") && !line.starts_with("|:")) out += row(line);
      fresh = true;
    } else if (line.starts_with("- ") || line.starts_with("* ")) {
      out += ".IP \\(bu 2\n" + spans(line.substr(2)) + "\n";
      fresh = false;
    } else if (line.empty()) {
      fresh = true;
    } else {
      if (fresh) out += ".PP\n";
      out += spans(line.substr(line.find_first_not_of(' '))) + "\n";
      fresh = false;
    }
  }
  return out;
}

}  // namespace cleanerd::man
