// Fills a man page's template on stdin: @VERSION@, and with a name after it @OPTIONS@, @SHARED_OPTIONS@, @COMMANDS@ or @MARKDOWN@.
//   man_pages cleanerctl | cleanerd | FILE.md  <TEMPLATE >PAGE
#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <iterator>

#include "cli/options.hpp"
#include "daemon/options.hpp"
#include "packaging/man/roff.hpp"

namespace {

using namespace cleanerd;

std::string all_of(std::istream& stream) { return {std::istreambuf_iterator<char>(stream), {}}; }

void replace(std::string& page, const std::string& mark, const std::string& text) {
  for (std::size_t at = 0; (at = page.find(mark, at)) != std::string::npos; at += text.size()) page.replace(at, mark.size(), text);
}

cli::CommandEntry program(const std::string& name) {
  CLI::App app;
  cli::Options of_cli;
  service::DaemonOptions of_daemon;
  if (name == "cleanerctl") cli::add_commands(app, of_cli);
  else daemon::add_options(app, of_daemon);
  return cli::command_tree(app);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string what = argv[1];
  std::string page = all_of(std::cin);
  if (what.ends_with(".md")) {
    std::ifstream file(what);
    if (!file) {
      std::cerr << "man_pages: " << what << " cannot be read\n";
      return 1;
    }
    replace(page, "@MARKDOWN@\n", man::from_markdown(all_of(file)));
  } else {
    const cli::CommandEntry entry = program(what);
    replace(page, "@OPTIONS@\n", man::options_of(entry));
    replace(page, "@SHARED_OPTIONS@\n", man::shared_options(entry));
    replace(page, "@COMMANDS@\n", man::commands_of(entry));
  }
  replace(page, "@VERSION@", CLEANERD_VERSION);
  std::cout << page << std::flush;
  return std::cout ? 0 : 1;
}
