// What is wrong with a configuration file, and where.
#pragma once

#include <string>
#include <vector>

namespace cleanerd::policy {

struct Diagnostic {
  std::string file;
  int line = 0;    // from 1; 0: the file as a whole
  int column = 0;
  std::string message;  // what is wrong and what was expected
  std::string snippet;  // the line in question; its keys alone where a value could be a secret
};

// "file:line:column: message", the line and a caret below it.
std::string render(const Diagnostic& diagnostic);

}  // namespace cleanerd::policy
