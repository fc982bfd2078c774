#include "cli/local.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iostream>

#include "base/text.hpp"
#include "cli/output.hpp"
#include "cli/secret_input.hpp"
#include "purge/freed.hpp"
#include "service/setup.hpp"

namespace cleanerd::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

service::What what_of(const Options& options) {
  switch (options.command) {
    case Command::plan: return service::What::plan;
    case Command::purge:
    case Command::run: return options.dry_run ? service::What::plan : service::What::purge;
    case Command::verify: return service::What::verify;
    case Command::gate: return service::What::gate;
    case Command::explain: return service::What::explain;
    case Command::builds: return service::What::builds;
    default: return service::What::scan;
  }
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

bool is_yes(const std::string& question, const service::Interruption& interruption) {
  std::cerr << question << "? [y/N] " << std::flush;
  const std::string answer = read_line(interruption);
  if (interruption.requested()) std::cerr << "\n";
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace

bool person_agrees(std::size_t objects, const service::Interruption& interruption) {
  return is_yes("Remove " + plural(objects, "object"), interruption);
}

bool person_agrees(const report::Document& plan, const service::Interruption& interruption) {
  std::cerr << report::render_table(plan, report::Colour::no);
  ByteSize size;
  for (const report::ObjectRow& row : plan.objects)
    if (row.state == "planned") size += row.size;
  return is_yes("Remove " + plural(plan.summary.planned, "object") + " (" + to_string(size) + ")", interruption);
}

service::Job job_of(const Options& options, service::DeclaredSecrets declared) {
  return {.what = what_of(options), .all = options.all, .filters = options.filters, .images = options.images, .object = options.object, .declared = std::move(declared)};
}

Result<ExitStatus> tell(const Options& options, const service::JobResult& result) {
  if (is_wanted(options))
    if (Status written = write_result(options, service::render(result, options.format, colour(options))); !written) return std::move(written).error();
  if (result.error) return *result.error;
  return result.status;
}

Result<ExitStatus> run_local(const Options& options, const policy::Policy& policy, service::DeclaredSecrets declared,
                             const service::Interruption& interruption) {
  const service::Job job = job_of(options, std::move(declared));
  if (auto filter = plan::parse_filter(job.filters, system_now()); !filter) return std::move(filter).error();
  auto place = service::Workplace::open(policy, options.host, service::state_dir(policy), interruption.token());
  if (!place) return job.declared.without_secrets(place.error());
  ProgressLine line(options);
  service::Progress progress = progress_on(line);
  if (job.what == service::What::purge && !options.force)
    progress.agree = [&](const report::Document& plan) {
      line.clear();
      return person_agrees(plan, interruption);
    };
  auto result = service::run_job(job, *place, interruption.token(), progress);
  line.clear();
  if (!result) return std::move(result).error();
  return tell(options, *result);
}

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
  if (!scrubbed) return declared->without_secrets(scrubbed.error());
  const std::vector<inventory::Unread> unsearchable = options.dry_run ? declared->unread() : std::vector<inventory::Unread>();
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started);
  const auto document = report::make_document(*scrubbed, unsearchable, (*search.get())->fingerprint(), took);
  if (is_wanted(options))
    if (Status written = write_result(options, report::render(document, options.format, colour(options))); !written) return std::move(written).error();
  if (const auto failed = std::ranges::find(document.objects, "failed", &report::ObjectRow::state); failed != document.objects.end())
    return Error(Errc::io, plural(document.summary.failed, "object") + " could not be removed; " + failed->id + ": " + failed->reasons.back().text);
  if (document.summary.remaining_secrets != 0) return ExitStatus::secrets;
  if (!document.complete)
    return Error(Errc::io, "not everything could be looked at (" + printable(document.unread.front().place, 100) + ": " +
                               printable(document.unread.front().reason) + ")");
  return ExitStatus::done;
}

}  // namespace cleanerd::cli
