#include "metrics/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <vector>

namespace cleanerd::metrics {
namespace {

// The fields of /proc/self/stat from the third on: the second is a name that may hold spaces and parentheses.
std::vector<std::string> stat_fields() {
  std::ifstream file("/proc/self/stat");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream rest(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(rest), {}};
}

std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  return std::nullopt;
}

void add_stat(std::map<std::string, double>& figures) {
  const std::vector<std::string> fields = stat_fields();
  if (fields.size() < 22) return;
  const auto field = [&](std::size_t number) { return std::stod(fields[number - 3]); };  // as proc(5) numbers them
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  figures["process_cpu_seconds_total"] = (field(14) + field(15)) / ticks;
  figures["process_virtual_memory_bytes"] = field(23);
  figures["process_resident_memory_bytes"] = field(24) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  if (const auto boot = boot_time()) figures["process_start_time_seconds"] = *boot + field(22) / ticks;
}

void add_descriptors(std::map<std::string, double>& figures) {
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  // One of them is the folder that is being listed.
  if (!error) figures["process_open_fds"] = static_cast<double>(std::distance(begin(open), end(open)) - 1);
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures["process_max_fds"] = static_cast<double>(limit.rlim_cur);
}

}  // namespace

std::map<std::string, double> process_figures() {
  std::map<std::string, double> figures;
  add_stat(figures);
  add_descriptors(figures);
  return figures;
}

}  // namespace cleanerd::metrics
