// The command line as plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "report/format.hpp"
#include "service/exit_status.hpp"

namespace CLI {
class App;
}

namespace cleanerd::cli {

using service::ExitStatus;

enum class Command { scan, plan, purge, verify, gate, run, explain, builds, scrub, policy_check, policy_show, session_begin, session_end, session_list, status, audit, version, completion };
using report::Format;

struct Options {
  Command command = Command::scan;
  std::string object;                // explain's ID, session end's
  std::vector<std::string> images;   // gate's
  std::vector<std::string> program;  // run's, with its arguments
  std::vector<std::string> files;    // of policy check
  std::string shell;                 // of completion

  std::vector<std::string> secret_env, secret_files, secrets_from;
  std::vector<std::string> filters;
  bool all = false;
  bool follow = false;  // of builds
  Format format = Format::table;
  std::string output;  // a file; empty: stdout
  bool dry_run = false, force = false, quiet = false, no_color = false;
  std::string data_root, containerd_root;  // scrub's
  enum class Daemon { if_there, yes, no };
  Daemon daemon = Daemon::if_there;
  std::string socket;                // the service's
  std::string name;                  // session begin's
  std::optional<std::int64_t> lifetime_seconds;
  std::string config_file, host, log_level = "warn";
};

// All commands and options, which write into `options` when `app` parses; it must outlive that.
void add_commands(CLI::App& app, Options& options);

// Options, or the status to exit with at once (--help, or a usage error that has been told on stderr).
std::variant<Options, ExitStatus> parse_command_line(int argc, char** argv);

}  // namespace cleanerd::cli
