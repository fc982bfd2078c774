// Where a command's result goes, and what is shown meanwhile.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/byte_size.hpp"
#include "base/result.hpp"
#include "cli/options.hpp"
#include "report/render.hpp"
#include "service/job.hpp"

namespace cleanerd::cli {

bool is_terminal(int descriptor);

// To --output or stdout. A reader that has seen enough is no failure.
Status write_result(const Options& options, const std::string& text);

// Colours only where a person sees them.
report::Colour colour(const Options& options);
// Not where --quiet leaves it to the exit status; what explain and builds tell has none.
bool is_wanted(const Options& options);

// A line on stderr that is drawn over, on a terminal only.
class ProgressLine {
 public:
  explicit ProgressLine(const Options& options);
  ~ProgressLine() { clear(); }

  void step(const std::string& text);
  void bar(std::size_t done, std::size_t total);
  void read(std::uint64_t bytes);  // from any thread
  void clear();

 private:
  bool shown_;
  std::mutex mutex_;
  ByteSize read_;
  std::chrono::steady_clock::time_point began_, drawn_;
};

// The line must outlive it. Nobody is asked.
service::Progress progress_on(ProgressLine& line);

}  // namespace cleanerd::cli
