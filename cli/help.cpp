#include "cli/help.hpp"

#include <array>

namespace cleanerd::cli {
namespace {

constexpr std::array kScan{"cleanerctl scan", "cleanerctl scan --secret-env NPM_TOKEN --format html -o secrets.html", "cleanerctl scan --filter kind=image --all"};
constexpr std::array kPlan{"cleanerctl plan", "cleanerctl plan --filter until=24h --format json"};
constexpr std::array kPurge{"cleanerctl purge", "cleanerctl purge --force --secret-env NPM_TOKEN", "cleanerctl purge --dry-run --all"};
constexpr std::array kVerify{"cleanerctl verify --secret-env NPM_TOKEN", "cleanerctl verify --secrets-from - < secrets.txt"};
constexpr std::array kGate{"cleanerctl gate app:1", "cleanerctl gate app:1 --format sarif -o app.sarif"};
constexpr std::array kRun{"cleanerctl run -- docker build -t app:1 .", "cleanerctl run --secret-env NPM_TOKEN -- make images"};
constexpr std::array kBegin{"id=$(cleanerctl session begin --name \"$CI_JOB_ID\" --secret-env NPM_TOKEN)"};
constexpr std::array kEnd{"cleanerctl session end \"$id\""};

struct Examples {
  std::string_view command;
  std::span<const char* const> lines;
};

constexpr Examples kExamples[] = {{"scan", kScan}, {"plan", kPlan}, {"purge", kPurge}, {"verify", kVerify},
                                  {"gate", kGate}, {"run", kRun},   {"session begin", kBegin}, {"session end", kEnd}};

constexpr const char* kExitStatuses = R"(Exit status:
  0  done; nothing secret was found or is left
  1  failed; the message says what, and in what state things are
  2  usage or configuration error
  3  secrets were found (scan, plan, gate, verify) or are left behind (purge, run, session end)
  4  the engine or the service cannot be reached)";

}  // namespace

std::span<const char* const> examples_of(std::string_view command) {
  for (const Examples& one : kExamples)
    if (one.command == command) return one.lines;
  return {};
}

std::string help_footer(std::string_view command) {
  std::string out;
  for (const char* line : examples_of(command)) out += (out.empty() ? "Examples:\n  " : "  ") + std::string(line) + "\n";
  return out + (out.empty() ? "" : "\n") + kExitStatuses;
}

}  // namespace cleanerd::cli
