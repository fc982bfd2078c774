// One command's work, from the engine to a document: the same in the command line's own process and in the daemon.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "inventory/host.hpp"
#include "plan/plan.hpp"
#include "policy/policy.hpp"
#include "purge/look.hpp"
#include "report/builds.hpp"
#include "report/render.hpp"
#include "search/search.hpp"
#include "secrets/value_set.hpp"
#include "service/exit_status.hpp"
#include "service/setup.hpp"

namespace cleanerd::service {

// Values that a job hands over, fit to be searched for or not.
struct DeclaredSecrets {
  std::vector<secrets::KnownValue> values{};
  std::vector<std::string> unsearchable{};  // origins of those too short or too common: a result over them is not complete

  // `origin`: "environment variable NPM_TOKEN".
  void add(std::string_view value, const std::string& origin);
  // What a result tells of the unsearchable ones.
  std::vector<inventory::Unread> unread() const;
  // An error's text may quote what a caller gave.
  Error without_secrets(const Error& error) const;
  std::string without_secrets(const std::string& text) const;
};

enum class What { scan, plan, purge, verify, gate, explain, builds };

struct Job {
  What what = What::scan;
  bool all = false;                // every finished build's residue
  std::vector<std::string> filters{};  // KEY=VALUE
  std::vector<std::string> images{};   // gate's: tags, digests ("app@sha256:…"), ids or beginnings of ids
  std::string object{};                // explain's: an id
  DeclaredSecrets declared{};
  std::vector<secrets::KnownValue> of_others{};   // of other sessions that are open: searched for, and nobody's fault here
  std::vector<secrets::KnownValue> also_known{};  // of builds and sessions that have ended: as well
  std::optional<Instant> since{};                 // a session's begin, of plan and purge: limit_to_session
  buildkit::Traces traces = buildkit::Traces::waited_for;  // of builds that have just ended
  std::string trigger = "request";
  std::string actor{};               // for the journal; empty: this process's user
};

// Called from the thread that runs the job, `on_bytes` from several.
struct Progress {
  std::function<void(const std::string& step)> step{};
  std::function<void(std::uint64_t bytes)> bytes{};  // read since the last call
  std::function<void(std::size_t done, std::size_t total)> removed{};
  std::function<bool(const report::Document& plan)> agree{};  // asked before anything is removed; none: yes
};

// What a job works with. For one job at a time.
struct Workplace {
  const policy::Policy& policy;
  std::string state_dir;
  inventory::Host host;
  search::Opening search;

  // `host` as connect_engine takes it.
  static Result<Workplace> open(const policy::Policy& policy, const std::string& host, const std::string& state_dir, std::stop_token stop,
                                Rules rules = Rules::when_needed, Memory* memory = nullptr);
  const Fingerprinter& fingerprint() { return (*search.get())->fingerprint(); }  // once something has been looked at
};

struct JobResult {
  report::Document document;  // of explain and builds: what could not be looked at, and the engine
  ExitStatus status;
  std::optional<Error> error;      // with a purge that did not come to its end, or a result that is not complete
  std::optional<purge::Look> look;  // the last one
  std::optional<purge::Report> report;
  bool is_whole = true;                 // false: the document leaves out what it was not asked about
  std::optional<std::string> explanation{};
  std::optional<report::Builds> builds{};
};

// What a person or a machine gets to see of it. explain is text in any format, builds a table or JSON.
std::string render(const JobResult& result, report::Format format, report::Colour colour);

// An error where there is no document: nothing was changed then.
Result<JobResult> run_job(const Job& job, Workplace& place, std::stop_token stop, const Progress& progress);

}  // namespace cleanerd::service
