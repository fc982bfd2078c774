#include "cli/options.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/text.hpp"
#include "base/time.hpp"
#include "cli/help.hpp"
#include "policy/policy.hpp"
#include "service/lifetime.hpp"

namespace cleanerd::cli {
namespace {

struct CommandRow {
  Command command;
  const char* name;
  const char* help;
};

constexpr CommandRow kCommands[] = {
    {Command::scan, "scan", "find residue and the secrets in it; changes nothing"},
    {Command::plan, "plan", "what purge would remove and keep, and why; changes nothing"},
    {Command::purge, "purge", "remove what the policy says, then look again"},
    {Command::verify, "verify", "search every place where a build leaves bytes for the secrets given"},
    {Command::gate, "gate", "may this image leave the host? finds secrets in its layers, history and config"},
    {Command::run, "run", "run a build command, then gate, purge and verify what it left"},
    {Command::explain, "explain", "one object: what it is, what secret it carries, why it is kept or removed"},
    {Command::builds, "builds", "BuildKit's builds, those on record and those that the audit knows, and what became of what they left"},
    {Command::scrub, "scrub", "zero the freed pages of the engine's databases while the engine is stopped"},
    {Command::version, "version", "its own version, the engine's version, API and image store"},
    {Command::completion, "completion", "a completion script for a shell, to be sourced by it"},
};

void add_common(CLI::App& app, Options& options) {
  app.add_option("--host", options.host, "the engine's socket, unix:///path (default: $DOCKER_HOST, else unix:///var/run/docker.sock)")->type_name("URL");
  app.add_option("--config", options.config_file, "configuration file, instead of those in /etc/cleanerd")->type_name("FILE");
  app.add_option("--log-level", options.log_level, "what is told on stderr")
      ->check(CLI::IsMember(policy::kLogLevels))->capture_default_str();
  app.add_flag("-q,--quiet", options.quiet, "no progress, no table; the exit status tells");
  app.add_flag("--no-color", options.no_color, "no colours (as with NO_COLOR set and not empty)");
  app.add_option("--socket", options.socket, "the service's control socket (default: /run/cleanerd/cleanerd.sock)")->type_name("PATH");
}

void add_daemon(CLI::App& app, Options& options) {
  app.add_flag_callback("--no-daemon", [&options] { options.daemon = Options::Daemon::no; }, "work in this process");
  app.add_flag_callback("--daemon", [&options] { options.daemon = Options::Daemon::yes; },
                        "work through the service (default: where it answers and no engine is named: --host, --config, DOCKER_HOST)");
}

const std::vector<std::string> kDocuments(report::kFormatNames.begin(), report::kFormatNames.end());

void add_format(CLI::App& app, Options& options, std::vector<std::string> names) {
  app.add_option_function<std::string>("--format", [&options](const std::string& name) {
       options.format = report::parse_format(name).value_or(Format::table);
     }, "how the result is written")->check(CLI::IsMember(std::move(names)))->default_str("table");
  app.add_option("-o,--output", options.output, "write the result to this file instead of stdout")->type_name("FILE");
}

void add_secrets(CLI::App& app, Options& options) {
  app.add_option("--secret-env", options.secret_env, "the value of this environment variable is a secret (repeatable)")->type_name("NAME")->allow_extra_args(false);
  app.add_option("--secret-file", options.secret_files, "the content of this file is a secret, without its final newline (repeatable)")->type_name("PATH")->allow_extra_args(false);
  app.add_option("--secrets-from", options.secrets_from, "one secret a line; - is standard input")->type_name("FILE|-")->allow_extra_args(false);
}

void add_selection(CLI::App& app, Options& options) {
  add_secrets(app, options);
  app.add_option("--filter", options.filters, "kind, label, until, image, build or rule (repeatable; same key: or, different keys: and)")->type_name("KEY=VALUE")->allow_extra_args(false);
  app.add_option_function<std::string>("--build", [&options](const std::string& ref) { options.filters.push_back("build=" + ref); },
                                       "only what this build left; cleanerctl builds lists them")->type_name("REF");
  app.add_flag("--all", options.all, "every finished build's residue, secret-bearing or not");
}

void add_session(CLI::App& app, Options& options) {
  CLI::App& session = *app.add_subcommand("session", "a job of several commands: what it builds is searched for its secrets until it ends");
  session.require_subcommand(1);
  CLI::App& begin = *session.add_subcommand("begin", "a pipeline's first hook; prints the session's id");
  begin.callback([&options] { options.command = Command::session_begin; });
  begin.add_option("--name", options.name, "the job's name, for people")->type_name("NAME");
  begin.add_option_function<std::string>("--expires", [&options](const std::string& text) {
         const auto duration = parse_duration(text);
         if (!duration || *duration < std::chrono::seconds(1)) throw CLI::ValidationError("--expires", "expected a duration, such as 90m or 2h");
         if (*duration > service::kLongestSession) throw CLI::ValidationError("--expires", "at most 24h");
         options.lifetime_seconds = std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
       }, "when the job counts as dead, at most 24h (default: 2h)")->type_name("DURATION");
  CLI::App& end = *session.add_subcommand("end", "a pipeline's last hook: purges and verifies; exit status 3 when a secret is left");
  end.callback([&options] { options.command = Command::session_end; });
  end.add_option("ID", options.object, "the session's id")->required();
  CLI::App& list = *session.add_subcommand("list", "the sessions that are open");
  list.callback([&options] { options.command = Command::session_list; });
  for (CLI::App* command : {&begin, &end, &list}) add_common(*command, options);
  for (CLI::App* command : {&begin, &end}) {
    add_secrets(*command, options);
    command->footer(help_footer("session " + command->get_name()));
  }
  add_format(begin, options, {"table", "json"});
  add_format(end, options, kDocuments);
  add_format(list, options, {"table", "json"});
}

void add_status_and_audit(CLI::App& app, Options& options) {
  CLI::App& status = *app.add_subcommand("status", "the service's state");
  status.callback([&options] { options.command = Command::status; });
  CLI::App& audit = *app.add_subcommand("audit", "what was removed, when, why and by whom");
  audit.callback([&options] { options.command = Command::audit; });
  audit.add_option("--filter", options.filters, "since, until, kind, actor, object, outcome, policy or limit (repeatable; same key: or, different keys: and)")->type_name("KEY=VALUE")->allow_extra_args(false);
  for (CLI::App* command : {&status, &audit}) {
    add_common(*command, options);
    add_format(*command, options, {"table", "json"});
  }
}

void add_policy(CLI::App& app, Options& options) {
  CLI::App& policy = *app.add_subcommand("policy", "check configuration and rules, or print the effective policy");
  policy.require_subcommand(1);
  CLI::App& check = *policy.add_subcommand("check", "is everything in the configuration and the rules as it must be? all problems at once");
  check.callback([&options] { options.command = Command::policy_check; });
  check.add_option("FILE", options.files, "configuration files, read in this order instead of those in /etc/cleanerd");
  CLI::App& show = *policy.add_subcommand("show", "the policy that all files together make, as YAML");
  show.callback([&options] { options.command = Command::policy_show; });
  show.add_option("-o,--output", options.output, "write the result to this file instead of stdout")->type_name("FILE");
  for (CLI::App* command : {&check, &show}) add_common(*command, options);
}

std::string surplus_complaint(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    const std::string name = word.substr(0, word.find('='));
    if (name == "--secret") return "there is no option --secret: other users see a command's arguments; --secret-env names a variable that holds it";
    if (name.starts_with('-') && is_usual_word(name)) return "there is no option " + name + " here";
  }
  return plural(words.size(), "word") + " too many, or an option that there is not";
}

// "--format: VALUE not in {table,json}", without a value that may be a secret.
std::string without_value(const std::string& text) {
  const auto name = text.find(": "), choices = text.find(" not in {");
  if (name == std::string::npos || choices == std::string::npos || choices < name + 2 || is_usual_word(text.substr(name + 2, choices - name - 2))) return text;
  return text.substr(0, name) + ": expected one of" + text.substr(choices + 7);
}

// One line that quotes nothing that may be a secret.
std::string complaint(const CLI::App& app, const CLI::ParseError& error) {
  const auto surplus = app.remaining(true);
  if (!app.get_subcommands().empty()) return surplus.empty() ? without_value(error.what()) : surplus_complaint(surplus);
  if (surplus.empty()) {
    std::string names;
    for (const CLI::App* command : app.get_subcommands({})) names += (names.empty() ? "" : ", ") + command->get_name();
    return "which command? there are " + names;
  }
  const std::string name = surplus.front().substr(0, surplus.front().find('='));
  return is_usual_word(name) ? "there is no command or option '" + name + "'" : "there is no such command or option";
}

// All that look take both; most have nothing to hold back or to ask.
void add_restraint(CLI::App& app, Command command, Options& options) {
  constexpr const char* kDryRun = "-n,--dry-run";
  constexpr const char* kForce = "-f,--force";
  if (command == Command::purge) app.add_flag(kDryRun, options.dry_run, "only show the plan");
  else if (command == Command::run) app.add_flag(kDryRun, options.dry_run, "run the command, then only show what would be removed");
  else app.add_flag_callback(kDryRun, [] {}, "as it is: nothing is changed");
  if (command == Command::purge) app.add_flag(kForce, options.force, "do not ask; needed without a terminal");
  else app.add_flag_callback(kForce, [] {}, "as it is: nothing is asked");
}

}  // namespace

void add_commands(CLI::App& app, Options& options) {
  app.name("cleanerctl");
  app.description("Finds the secrets that Docker builds leave on this host, removes exactly that, and looks again.");
  app.require_subcommand(1);
  app.set_version_flag("--version", "cleanerctl " CLEANERD_VERSION);
  app.get_formatter()->column_width(34);
  app.footer(help_footer(""));  // of every command that has none of its own
  for (const CommandRow& row : kCommands) {
    if (row.command == Command::version) {
      add_session(app, options);
      add_status_and_audit(app, options);
      add_policy(app, options);
    }
    CLI::App& command = *app.add_subcommand(row.name, row.help);
    command.callback([&options, &row] { options.command = row.command; });
    command.footer(help_footer(row.name));
    if (row.command == Command::completion) {
      command.add_option("SHELL", options.shell, "the shell it is for")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
      continue;
    }
    add_common(command, options);
    if (row.command == Command::scrub) {
      add_format(command, options, kDocuments);
      add_secrets(command, options);
      command.add_option("--data-root", options.data_root, "the engine's data root (default: daemon.json's, else /var/lib/docker)")->type_name("DIR");
      command.add_option("--containerd-root", options.containerd_root,
                         "containerd's, where it is not the engine's child (default: /var/lib/containerd, unless --data-root is given)")->type_name("DIR");
      command.add_flag("-n,--dry-run", options.dry_run, "only look; the engine may run");
    } else if (row.command != Command::explain && row.command != Command::builds && row.command != Command::version) {
      add_format(command, options, kDocuments);
      add_selection(command, options);
      add_daemon(command, options);
      add_restraint(command, row.command, options);
    }
    if (row.command == Command::explain || row.command == Command::builds) add_daemon(command, options);
    if (row.command == Command::version || row.command == Command::builds) add_format(command, options, {"table", "json"});
    if (row.command == Command::builds)
      command.add_flag("-f,--follow", options.follow, "then each build as it starts and ends, also over restarts of the engine; JSON: one object a line");
    if (row.command == Command::gate)
      command.add_option("IMAGE", options.images, "a tag, a digest (app@sha256:…), an id or at least 4 characters of one (repeatable)")->required();
    if (row.command == Command::run) {
      command.add_option("CMD", options.program, "the command and its arguments, after --")->required();
      command.positionals_at_end();
    }
    if (row.command == Command::explain)
      command.add_option("ID", options.object, "an object's id, the engine's id or at least 4 characters of it, or an image's tag")->required();
  }
}

std::variant<Options, ExitStatus> parse_command_line(int argc, char** argv) {
  Options options;
  CLI::App app;
  add_commands(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      app.exit(error);
      return ExitStatus::done;
    }
    std::cerr << "cleanerctl: " << printable(complaint(app, error)) << "; see cleanerctl --help\n";
    return ExitStatus::usage;
  }
  return options;
}

}  // namespace cleanerd::cli
