#include "cli/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "base/text.hpp"

namespace cleanerd::cli {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

bool is_terminal(int descriptor) { return ::isatty(descriptor) == 1; }

Status write_result(const Options& options, const std::string& text) {
  if (options.output.empty()) {
    std::size_t written = 0;
    while (written < text.size()) {
      const ssize_t count = ::write(STDOUT_FILENO, text.data() + written, text.size() - written);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EPIPE) return {};  // the reader has seen enough
      if (count < 0) return Error(Errc::io, "standard output cannot be written");
      written += static_cast<std::size_t>(count);
    }
    return {};
  }
  std::FILE* file = std::fopen(options.output.c_str(), "we");
  if (!file) return Error(Errc::io, "--output " + printable(options.output) + ": cannot be opened for writing");
  const bool ok = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !ok) return Error(Errc::io, "--output " + printable(options.output) + ": cannot be written");
  return {};
}

report::Colour colour(const Options& options) {
  const char* const no_colour = std::getenv("NO_COLOR");  // https://no-color.org: present and not empty
  const bool wanted = !options.no_color && !(no_colour && *no_colour) && options.output.empty() && is_terminal(STDOUT_FILENO);
  return wanted ? report::Colour::yes : report::Colour::no;
}

bool is_wanted(const Options& options) {
  const bool tells = options.command == Command::explain || options.command == Command::builds;
  return tells || !options.quiet || options.format != Format::table || !options.output.empty();
}

ProgressLine::ProgressLine(const Options& options) : shown_(!options.quiet && is_terminal(STDERR_FILENO)) {}

void ProgressLine::step(const std::string& text) {
  if (shown_) std::cerr << "\r\x1b[K" << text << std::flush;
}

void ProgressLine::bar(std::size_t done, std::size_t total) {
  if (!shown_ || total == 0) return;
  constexpr std::size_t kWidth = 30;
  const std::size_t filled = kWidth * done / total;
  step("Removing [" + std::string(filled, '#') + std::string(kWidth - filled, ' ') + "] " + std::to_string(done) + "/" + std::to_string(total));
}

void ProgressLine::read(std::uint64_t bytes) {
  if (!shown_) return;
  const std::lock_guard lock(mutex_);
  const auto now = steady_clock::now();
  if (read_.bytes == 0) began_ = now;
  read_ += ByteSize{static_cast<std::int64_t>(bytes)};
  if (now - drawn_ < milliseconds(100)) return;
  drawn_ = now;
  const auto took = std::chrono::duration_cast<milliseconds>(now - began_).count();
  const std::string rate = took < 300 ? "" : ", " + to_string(ByteSize{read_.bytes * 1000 / took}) + "/s";
  step("Reading layers… " + to_string(read_) + rate);
}

void ProgressLine::clear() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
}

service::Progress progress_on(ProgressLine& line) {
  return {.step = [&](const std::string& text) { line.step(text); },
          .bytes = [&](std::uint64_t bytes) { line.read(bytes); },
          .removed = [&](std::size_t done, std::size_t total) { line.bar(done, total); },
          .agree = {}};
}

}  // namespace cleanerd::cli
