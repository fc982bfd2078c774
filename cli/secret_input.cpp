#include "cli/secret_input.hpp"

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "base/text.hpp"

namespace cleanerd::cli {
namespace {

constexpr std::size_t kMost = 512u << 10;  // a device never ends

Result<std::string> read_stream(std::istream& in, const std::string& name) {
  std::string content(kMost + 1, '\0');
  in.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (in.bad()) return Error(Errc::io, name + ": cannot be read");
  content.resize(static_cast<std::size_t>(in.gcount()));
  if (content.size() > kMost) return Error(Errc::usage, name + ": larger than 512 KiB, which no secrets are");
  return content;
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in && errno == ENOENT) {
    const bool is_path = path.starts_with('/') || path.starts_with('.');
    return Error(Errc::usage, is_path ? printable(path) + ": there is no such file" : "there is no such file here; it is not named, as it may be the secret itself");
  }
  if (!in) return Error(Errc::io, printable(path) + ": cannot be opened");
  return read_stream(in, printable(path));
}

// What is no usual variable name may be the secret itself, given in place of the name.
std::string shown_name(const std::string& name) {
  const bool usual = name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == std::string::npos;
  return usual ? " " + printable(name, 60) : std::string();
}

std::string_view without_final_newline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<service::DeclaredSecrets> read_declared(const Options& options) {
  service::DeclaredSecrets declared;
  for (const std::string& name : options.secret_env) {
    const char* value = std::getenv(name.c_str());
    if (!value || !*value) return Error(Errc::usage, "--secret-env" + shown_name(name) + ": the variable is not set or empty");
    declared.add(value, "environment variable " + printable(name, 60));
  }
  for (const std::string& path : options.secret_files) {
    auto content = read_file(path);
    if (!content) return std::move(content).error().within("--secret-file");
    const std::string_view value = without_final_newline(*content);
    if (value.empty()) return Error(Errc::usage, "--secret-file " + printable(path) + ": the file is empty");
    declared.add(value, "file " + printable(path));
  }
  for (const std::string& path : options.secrets_from) {
    auto content = path == "-" ? read_stream(std::cin, "standard input") : read_file(path);
    if (!content) return std::move(content).error().within("--secrets-from");
    std::size_t line_number = 0;
    const std::size_t before = declared.values.size() + declared.unsearchable.size();
    for (const std::string& line : split(*content, '\n')) {
      ++line_number;
      if (const std::string_view value = without_final_newline(line); !value.empty())
        declared.add(value, "line " + std::to_string(line_number) + " of " + (path == "-" ? "standard input" : printable(path)));
    }
    // What was to name them has failed.
    if (declared.values.size() + declared.unsearchable.size() == before)
      return Error(Errc::usage, "--secrets-from " + (path == "-" ? "standard input" : printable(path)) + ": there is no secret in it");
  }
  return declared;
}

}  // namespace cleanerd::cli
