// The command line as plain values.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cli/exit_status.hpp"

namespace CLI {
class App;
}

namespace cleanerd::cli {

enum class Command { scan, plan, purge, verify, explain, builds, scrub, version, completion };
enum class Format { table, json, sarif };

struct Options {
  Command command = Command::scan;
  std::string object;  // explain's ID
  std::string shell;   // of completion

  std::vector<std::string> secret_env, secret_files, secrets_from;
  std::vector<std::string> filters;
  bool all = false;
  bool follow = false;  // of builds
  Format format = Format::table;
  std::string output;  // a file; empty: stdout
  bool dry_run = false, force = false, quiet = false, no_color = false;
  std::string data_root, containerd_root;  // scrub's
  std::string config_file, host, log_level = "warn";
};

// All commands and options, which write into `options` when `app` parses; it must outlive that.
void add_commands(CLI::App& app, Options& options);

// Options, or the status to exit with at once (--help, or a usage error that has been told on stderr).
std::variant<Options, ExitStatus> parse_command_line(int argc, char** argv);

}  // namespace cleanerd::cli
