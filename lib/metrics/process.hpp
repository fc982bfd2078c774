// This process's own figures.
#pragma once

#include <map>
#include <string>

namespace cleanerd::metrics {

// process_* by their names, from /proc/self (proc(5)); what cannot be read is left out.
std::map<std::string, double> process_figures();

}  // namespace cleanerd::metrics
