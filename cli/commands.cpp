#include "cli/commands.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/text.hpp"
#include "cli/builds.hpp"
#include "cli/completion.hpp"
#include "cli/secret_input.hpp"
#include "purge/freed.hpp"
#include "purge/purge.hpp"
#include "report/render.hpp"
#include "service/setup.hpp"

namespace cleanerd::cli {
namespace {

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

// A line on stderr that is drawn over, on a terminal only.
class Progress {
 public:
  explicit Progress(const Options& options) : shown_(!options.quiet && is_terminal(STDERR_FILENO)) {}
  ~Progress() { clear(); }

  void step(const std::string& text) {
    if (shown_) std::cerr << "\r\x1b[K" << text << std::flush;
  }
  void bar(std::size_t done, std::size_t total) {
    if (!shown_ || total == 0) return;
    constexpr std::size_t kWidth = 30;
    const std::size_t filled = kWidth * done / total;
    step("Removing [" + std::string(filled, '#') + std::string(kWidth - filled, ' ') + "] " + std::to_string(done) + "/" + std::to_string(total));
  }
  // From any thread.
  void read(std::uint64_t bytes) {
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
  void clear() {
    if (shown_) std::cerr << "\r\x1b[K" << std::flush;
  }

 private:
  bool shown_;
  std::mutex mutex_;
  ByteSize read_;
  steady_clock::time_point began_, drawn_;
};

struct Job {
  const Options& options;
  const service::Interruption& interruption;
  policy::Policy policy;
  inventory::Host host;
  search::Opening search;
  DeclaredSecrets declared;
  plan::Selection selection;
  std::string state_dir;
  steady_clock::time_point started = steady_clock::now();

  // Once something has been looked at.
  const Fingerprinter& fingerprint() { return (*search.get())->fingerprint(); }
  Duration took() const { return std::chrono::duration_cast<milliseconds>(steady_clock::now() - started); }
  Result<purge::Look> look(Progress& progress) {
    return purge::look({host, policy, selection, declared.values, search, interruption.token(), [&](std::uint64_t bytes) { progress.read(bytes); }});
  }
};

Error without_secrets(const Error& error, const DeclaredSecrets& declared) {
  secrets::ValueSet known;
  for (const secrets::KnownValue& value : declared.values) known.add(value);
  return Error(error.code(), known.redact(error.message()));
}

Result<Job> prepare(const Options& options, const service::Interruption& interruption) {
  auto policy = service::load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  auto filter = plan::parse_filter(options.filters, system_now());
  if (!filter) return std::move(filter).error();
  auto declared = read_declared(options);
  if (!declared) return std::move(declared).error();
  auto host = service::connect_engine(options.host, *policy, interruption.token());
  if (!host) return without_secrets(host.error(), *declared);
  const std::string directory = service::state_dir(*policy);
  auto search = service::open_search(*policy, directory, host->client.engine().id);
  plan::Selection selection{options.all, std::move(*filter), purge::read_unfinished(directory, host->client.engine().id)};
  return Job{options, interruption, std::move(*policy), std::move(*host), std::move(search), std::move(*declared), std::move(selection), directory};
}

std::string render(const Options& options, const report::Document& document) {
  const bool colour = !options.no_color && !std::getenv("NO_COLOR") && options.output.empty() && is_terminal(STDOUT_FILENO);
  switch (options.format) {
    case Format::table: return report::render_table(document, colour ? report::Colour::yes : report::Colour::no);
    case Format::json: return report::render_json(document);
    case Format::sarif: return report::render_sarif(document);
  }
  return {};
}

Result<ExitStatus> finish(const Options& options, const report::Document& document, ExitStatus status) {
  if (!options.quiet || options.format != Format::table || !options.output.empty())
    if (Status written = write_result(options, render(options, document)); !written) return std::move(written).error();
  if (status == ExitStatus::done && !document.complete)
    return Error(Errc::io, "not everything could be looked at (" + printable(document.unread.front().place, 100) + ": " +
                               printable(document.unread.front().reason) + ")");
  return status;
}

Result<ExitStatus> show(Job& job, report::Command command, const purge::Look& look) {
  const Fingerprinter& fingerprint = job.fingerprint();
  const auto document = report::make_document(command, look, nullptr, job.declared.unsearchable, fingerprint, job.took());
  return finish(job.options, document, document.summary.secret_objects == 0 ? ExitStatus::done : ExitStatus::secrets);
}

Result<ExitStatus> scan_or_plan(Job& job, report::Command command) {
  Progress progress(job.options);
  progress.step("Looking at the engine…");
  auto look = job.look(progress);
  progress.clear();
  if (!look) return std::move(look).error();
  return show(job, command, *look);
}

std::string first_failure(const report::Document& document) {
  const auto row = std::ranges::find(document.objects, "failed", &report::ObjectRow::state);
  return plural(document.summary.failed, "object") + " could not be removed; " + row->id + ": " + row->reasons.back().text;
}

bool waits_for_quiet(const purge::Look& look) {
  for (const plan::Item& item : look.plan.items)
    for (const plan::Reason& reason : item.reasons)
      if (item.secret && reason.code == "quiet-period") return true;
  return false;
}

// Where the host does not tell whether a classic build runs, its youngest images are left until they have been the youngest
// for the quiet period; a purge waits that long rather than leave them.
Result<purge::Look> look_when_quiet(Job& job, Progress& progress) {
  progress.step("Looking at the engine…");
  auto look = job.look(progress);
  const auto deadline = steady_clock::now() + 3 * job.policy.quiet_period;
  while (look && waits_for_quiet(*look) && steady_clock::now() < deadline && !job.interruption.requested()) {
    progress.step("Waiting until no classic build can need the newest images…");
    std::this_thread::sleep_for(std::min(job.policy.quiet_period, Duration(250)));
    look = job.look(progress);
  }
  return look;
}

// A line from the terminal; what was typed until then when the person interrupts.
std::string read_line(const service::Interruption& interruption) {
  std::string line;
  while (!interruption.requested()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&input, 1, 100);
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    char c = 0;
    if (::read(STDIN_FILENO, &c, 1) != 1 || c == '\n') return line;
    line += c;
  }
  return {};
}

bool person_agrees(const purge::Look& look, const service::Interruption& interruption) {
  ByteSize size;
  for (const plan::Index i : look.plan.removal) size += look.inventory[i].size();
  std::cerr << "Remove " << plural(look.plan.removal.size(), "object") << " (" << to_string(size) << ")? [y/N] " << std::flush;
  const std::string answer = read_line(interruption);
  return answer == "y" || answer == "Y" || answer == "yes";
}

// What an interrupted purge had set out to remove and is gone by now, where there is nothing to remove that would tell.
Status settle_earlier(const Job& job, const purge::Look& look) {
  if (job.selection.unfinished.empty()) return {};
  auto journal = purge::Journal::open(job.state_dir);
  if (!journal) return std::move(journal).error();
  return purge::settle_earlier(*journal, look);
}

Result<ExitStatus> purge_host(Job& job) {
  Progress progress(job.options);
  auto look = look_when_quiet(job, progress);
  progress.clear();
  if (!look) return std::move(look).error();
  if (job.options.dry_run) return show(job, report::Command::plan, *look);

  const Fingerprinter& fingerprint = job.fingerprint();
  if (!look->plan.removal.empty() && !job.options.force) {
    const auto plan = report::make_document(report::Command::plan, *look, nullptr, job.declared.unsearchable, fingerprint, job.took());
    std::cerr << report::render_table(plan, report::Colour::no);
    if (!person_agrees(*look, job.interruption)) {
      if (job.interruption.requested()) std::cerr << "\n";
      return Error(Errc::cancelled, "nothing was removed");
    }
  }

  std::optional<purge::Report> report;
  if (!look->plan.removal.empty()) {
    auto journal = purge::Journal::open(job.state_dir);
    if (!journal) return std::move(journal).error().within("nothing was removed");
    report = purge::carry_out(*look, {job.host, job.policy, job.selection, job.declared.values, job.search, *journal, job.interruption.token(),
                                      [&](std::size_t done, std::size_t total) { progress.bar(done, total); }});
    progress.clear();
    for (const auto& [id, outcome] : report->outcomes)
      spdlog::info("object={} state={} reason={}", id,
                   outcome.state == purge::State::removed ? "removed" : outcome.state == purge::State::kept ? "kept" : "failed",
                   outcome.reason.code);
  } else {
    // Nothing to do but to look: the plan's own look is the look afterwards.
    report.emplace();
    if (Status settled = settle_earlier(job, *look); !settled) return std::move(settled).error().within("nothing was removed");
  }
  const auto document = report::make_document(report::Command::purge, *look, &*report, job.declared.unsearchable, fingerprint, job.took());
  const bool left = document.summary.remaining_secrets != 0;
  auto finished = finish(job.options, document, left ? ExitStatus::secrets : document.summary.failed != 0 ? ExitStatus::failed : ExitStatus::done);
  if (!finished) return finished;
  if (job.interruption.requested() || report->error) {
    const std::string state = plural(document.summary.removed, "object") + " of " + std::to_string(look->plan.removal.size()) +
                              " removed; run purge again to finish";
    if (job.interruption.requested()) return Error(Errc::cancelled, "interrupted: " + state);
    return Error(report->error->code(), look->findings.known.redact(report->error->message()) + "; " + state);
  }
  if (*finished == ExitStatus::failed) return Error(Errc::engine, first_failure(document));
  return finished;
}

Result<ExitStatus> explain(Job& job) {
  Progress progress(job.options);
  auto look = job.look(progress);
  if (!look) return std::move(look).error();
  const auto found = look->inventory.find(job.options.object);
  if (found.empty())
    return Error(Errc::usage, "there is no object '" + printable(job.options.object, 100) + "'; `cleanerctl scan` lists them");
  if (found.size() > 1) {
    std::string message = "'" + printable(job.options.object, 100) + "' is not unique:";
    for (std::size_t i = 0; i < std::min<std::size_t>(found.size(), 5); ++i) message += " " + look->inventory[found[i]].id();
    return Error(Errc::usage, message);
  }
  const Fingerprinter& fingerprint = job.fingerprint();
  if (Status written = write_result(job.options, report::render_explanation(*look, found.front(), fingerprint)); !written)
    return std::move(written).error();
  return ExitStatus::done;
}

Result<ExitStatus> version(const Options& options, const service::Interruption& interruption) {
  auto policy = service::load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  auto host = service::connect_engine(options.host, *policy, interruption.token());
  const bool json = options.format == Format::json;
  nlohmann::ordered_json document{{"schema", "cleaner.v1"}, {"command", "version"}, {"version", CLEANERD_VERSION}, {"engine", nullptr}};
  std::string text = "cleanerctl " CLEANERD_VERSION "\n";
  if (host) {
    const engine::EngineInfo& info = host->client.engine();
    const char* store = info.store == engine::ImageStore::graphdriver ? "graphdriver" : "containerd";
    document["engine"] = {{"version", info.version}, {"api_version", engine::to_string(info.api)}, {"store", store},
                          {"storage_driver", info.storage_driver}, {"data_root", info.data_root}};
    text += "Docker Engine " + info.version + ", API " + engine::to_string(info.api) + ", " + store + " image store (" + printable(info.storage_driver, 40) + ")\n";
  }
  if (Status written = write_result(options, json ? document.dump(2) + "\n" : text); !written) return std::move(written).error();
  if (!host) return std::move(host).error();
  return ExitStatus::done;
}

Result<ExitStatus> completion(const Options& options) {
  if (Status written = write_result(options, completion_script(options.shell)); !written) return std::move(written).error();
  return ExitStatus::done;
}

Result<ExitStatus> verify(Job& job) {
  if (job.declared.values.empty() && job.declared.unsearchable.empty())
    return Error(Errc::usage, "verify searches for given secrets: name them with --secret-env, --secret-file or --secrets-from");
  Progress progress(job.options);
  progress.step("Looking at the engine…");
  auto look = job.look(progress);
  progress.clear();
  if (!look) return std::move(look).error();
  return show(job, report::Command::verify, purge::only_values(std::move(*look), job.declared.values, job.fingerprint()));
}

// Asks no engine: it is stopped, or this only looks.
Result<ExitStatus> scrub_host(const Options& options, const service::Interruption& interruption) {
  const auto started = steady_clock::now();
  auto policy = service::load_policy(options.config_file);
  if (!policy) return std::move(policy).error();
  auto declared = read_declared(options);
  if (!declared) return std::move(declared).error();
  scrub::RootOptions where;
  where.data_root = options.data_root;
  where.containerd = options.containerd_root;
  auto roots = scrub::find_roots(where);
  if (!roots) return std::move(roots).error();
  const std::string directory = service::state_dir(*policy);
  // A cache of its own: what scans remember of this engine's places is none of its business.
  auto search = service::open_search(*policy, directory, "scrub of " + roots->engine_id);
  std::optional<purge::Journal> journal;
  if (!options.dry_run) {
    auto opened = purge::Journal::open(directory);
    if (!opened) return std::move(opened).error().within("nothing was changed");
    journal.emplace(std::move(*opened));
  }
  auto scrubbed = purge::scrub_databases({*roots, declared->values, search, journal ? &*journal : nullptr, interruption.token()});
  if (!scrubbed) return without_secrets(scrubbed.error(), *declared);
  const std::vector<inventory::Unread> unsearchable = options.dry_run ? declared->unsearchable : std::vector<inventory::Unread>();
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started);
  const auto document = report::make_document(*scrubbed, unsearchable, (*search.get())->fingerprint(), took);
  auto finished = finish(options, document, document.summary.remaining_secrets == 0 ? ExitStatus::done : ExitStatus::secrets);
  if (finished && document.summary.failed != 0) return Error(Errc::io, first_failure(document));
  return finished;
}

Result<ExitStatus> run_job(Job& job) {
  switch (job.options.command) {
    case Command::scan: return scan_or_plan(job, report::Command::scan);
    case Command::plan: return scan_or_plan(job, report::Command::plan);
    case Command::purge: return purge_host(job);
    case Command::verify: return verify(job);
    case Command::explain: return explain(job);
    case Command::builds:
    case Command::scrub:
    case Command::version:
    case Command::completion: break;
  }
  return ExitStatus::done;
}

}  // namespace

Result<ExitStatus> run_command(const Options& options, const service::Interruption& interruption) {
  if (options.command == Command::version) return version(options, interruption);
  if (options.command == Command::completion) return completion(options);
  if (options.command == Command::builds) return builds(options, interruption, [&](const std::string& text) { return write_result(options, text); });
  if (options.command == Command::scrub) return scrub_host(options, interruption);
  if (options.command == Command::purge && !options.force && !options.dry_run && !(is_terminal(STDIN_FILENO) && is_terminal(STDERR_FILENO)))
    return Error(Errc::usage, "without a terminal to ask on, purge needs --force (or --dry-run)");
  auto job = prepare(options, interruption);
  if (!job) return std::move(job).error();
  auto status = run_job(*job);
  if (!status) return without_secrets(status.error(), job->declared);
  return status;
}

}  // namespace cleanerd::cli
