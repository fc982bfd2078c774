#include "policy/load.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <functional>

#include "base/text.hpp"
#include "match/yaml_documents.hpp"
#include "storage/file.hpp"

namespace cleanerd::policy {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFile = 1u << 20;

// One file's nodes → the policy; every problem is noted and reading goes on.
class Reader {
 public:
  Reader(Loaded& loaded, std::string file, const std::string& text)
      : loaded_(loaded), file_(std::move(file)), lines_(split(text, '\n')) {}

  void root(const YAML::Node& node) {
    if (node.IsNull() || !node.IsDefined()) return;
    map(node, "the file", {{"engine", [&](const YAML::Node& n) { engine(n); }},
                           {"state_dir", [&](const YAML::Node& n) { path(n, loaded_.policy.state_dir); }},
                           {"secrets", [&](const YAML::Node& n) { secrets(n); }},
                           {"protect", [&](const YAML::Node& n) { protect(n); }},
                           {"quiet_period", [&](const YAML::Node& n) { duration(n, loaded_.policy.quiet_period); }},
                           {"interval", [&](const YAML::Node& n) { duration(n, loaded_.policy.interval); }},
                           {"rules_dir", [&](const YAML::Node& n) { path(n, loaded_.policy.rules_dir); }},
                           {"builders", [&](const YAML::Node& n) { builders(n); }},
                           {"leftovers", [&](const YAML::Node& n) { leftovers(n); }}});
  }

  void problem(const YAML::Mark& mark, std::string message) {
    Diagnostic diagnostic{file_, 0, 0, std::move(message), ""};
    if (!mark.is_null()) {
      diagnostic.line = mark.line + 1;
      diagnostic.column = mark.column + 1;
      if (static_cast<std::size_t>(mark.line) < lines_.size()) diagnostic.snippet = without_values(lines_[static_cast<std::size_t>(mark.line)]);
    }
    loaded_.diagnostics.push_back(std::move(diagnostic));
  }

 private:
  // The line if it is of a key that takes no secret and holds no password in a URL, else what stands before its value.
  static std::string without_values(const std::string& line) {
    static constexpr std::string_view kHarmless[] = {"engine", "host", "state_dir", "protect", "labels", "images", "quiet_period", "interval", "rules_dir", "stopped_containers",
                                                     "builders", "remove_orphaned", "leftovers", "remove"};
    const auto colon = line.find(':');
    if (colon == std::string::npos) return "";
    const bool harmless = std::ranges::find(kHarmless, trim(std::string_view(line).substr(0, colon))) != std::end(kHarmless);
    return harmless && !contains(line, "@") ? line : line.substr(0, colon + 1);
  }

  using Keys = std::vector<std::pair<std::string_view, std::function<void(const YAML::Node&)>>>;

  void map(const YAML::Node& node, const std::string& what, const Keys& keys) {
    if (!node.IsMap()) return problem(node.Mark(), what + " must be a mapping (key: value)");
    std::vector<std::string> seen;
    for (const auto& entry : node) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      const auto known = std::ranges::find(keys, key, &Keys::value_type::first);
      if (known == keys.end()) {
        std::string expected;
        for (const auto& [name, read] : keys) expected += (expected.empty() ? "" : ", ") + std::string(name);
        problem(entry.first.Mark(), "unknown key '" + printable(key, 60) + "' in " + what + "; expected one of: " + expected);
      } else if (std::ranges::find(seen, key) != seen.end()) {
        problem(entry.first.Mark(), "key '" + key + "' stands twice in " + what);
      } else if (entry.second.IsNull()) {  // whose own mark is that of whatever comes next
        problem(entry.first.Mark(), "key '" + key + "' has no value in " + what);
      } else {
        known->second(entry.second);
      }
      seen.push_back(key);
    }
  }

  bool text(const YAML::Node& node, std::string& out, const char* expected) {
    if (!node.IsScalar() || node.Scalar().empty()) {
      problem(node.Mark(), std::string("expected ") + expected);
      return false;
    }
    out = node.Scalar();
    return true;
  }

  void path(const YAML::Node& node, std::optional<std::string>& out) {
    std::string value;
    if (!text(node, value, "an absolute path")) return;
    if (value.front() != '/') return problem(node.Mark(), "expected an absolute path, such as /var/lib/cleanerd");
    out = value;
  }

  void boolean(const YAML::Node& node, bool& out) {
    std::string value;
    if (!text(node, value, "true or false")) return;
    if (value == "true" || value == "false") out = value == "true";
    else problem(node.Mark(), "expected true or false");
  }

  void duration(const YAML::Node& node, Duration& out) {
    std::string value;
    if (!text(node, value, "a duration, such as 5s or 2m")) return;
    if (const auto parsed = parse_duration(value)) out = *parsed;
    else problem(node.Mark(), "expected a duration, such as 500ms, 5s, 2m or 1h30m");
  }

  void list(const YAML::Node& node, const char* expected, const std::function<void(const YAML::Node&, const std::string&)>& each) {
    if (!node.IsSequence()) return problem(node.Mark(), std::string("expected a list of ") + expected);
    for (const auto& item : node) {
      std::string value;
      if (item.IsNull()) problem(node.Mark(), std::string("an entry of the list is empty; expected ") + expected);
      else if (text(item, value, expected)) each(item, value);
    }
  }

  void engine(const YAML::Node& node) {
    map(node, "engine", {{"host", [&](const YAML::Node& n) {
                            std::string value;
                            if (!text(n, value, "a Unix socket, such as unix:///var/run/docker.sock")) return;
                            if (!value.starts_with("unix:///"))
                              return problem(n.Mark(), "expected a Unix socket, such as unix:///var/run/docker.sock");
                            loaded_.policy.engine_host = value;
                          }}});
  }

  void secrets(const YAML::Node& node) {
    std::vector<std::string> names, exceptions;
    const auto globs = [&](std::vector<std::string>& out) {
      return [&](const YAML::Node& n) {
        list(n, "name patterns, such as *_LICENSE", [&](const YAML::Node&, const std::string& value) { out.push_back(value); });
      };
    };
    map(node, "secrets", {{"names", globs(names)}, {"except", globs(exceptions)}});
    loaded_.policy.names.add(names, exceptions);
  }

  void builders(const YAML::Node& node) {
    map(node, "builders", {{"remove_orphaned", [&](const YAML::Node& n) { boolean(n, loaded_.policy.remove_orphaned_builders); }}});
  }

  void leftovers(const YAML::Node& node) {
    using inventory::Kind;
    static constexpr Kind kRemovable[] = {Kind::leftover_tmp, Kind::leftover_ingest, Kind::orphan_layer, Kind::store_inactive};
    map(node, "leftovers", {{"remove", [&](const YAML::Node& n) {
                               list(n, "kinds, such as leftover.tmp", [&](const YAML::Node& item, const std::string& value) {
                                 const auto kind = std::ranges::find(kRemovable, value, [](Kind one) { return inventory::to_string(one); });
                                 if (kind == std::end(kRemovable))
                                   return problem(item.Mark(), "expected leftover.tmp, leftover.ingest, orphan.layer or store.inactive");
                                 loaded_.policy.removed_leftovers.push_back(*kind);
                               });
                             }}});
  }

  void protect(const YAML::Node& node) {
    map(node, "protect",
        {{"labels",
          [&](const YAML::Node& n) {
            list(n, "labels, such as cleanerd.keep=true", [&](const YAML::Node& item, const std::string& value) {
              const auto equals = value.find('=');
              if (equals == 0) return problem(item.Mark(), "expected a label, such as cleanerd.keep or cleanerd.keep=true");
              LabelRule rule{value.substr(0, equals), std::nullopt};
              if (equals != std::string::npos) rule.value = value.substr(equals + 1);
              loaded_.policy.protected_labels.push_back(std::move(rule));
            });
          }},
         {"images", [&](const YAML::Node& n) {
            list(n, "image patterns, such as registry.example/base:*",
                 [&](const YAML::Node&, const std::string& value) { loaded_.policy.protected_images.push_back(value); });
          }},
         {"stopped_containers", [&](const YAML::Node& n) { boolean(n, loaded_.policy.protect_stopped_containers); }}});
  }

  Loaded& loaded_;
  std::string file_;
  std::vector<std::string> lines_;
};

void read_text(Loaded& loaded, const std::string& file, const std::string& text) {
  Reader reader(loaded, file, text);
  try {
    if (const auto wrong = match::document_problem(text)) return reader.problem(wrong->mark, wrong->message);
    reader.root(YAML::Load(text));
  } catch (const YAML::Exception& error) {
    reader.problem(error.mark, "not valid YAML: " + printable(error.msg));
  }
}

void read_file(Loaded& loaded, const std::string& path) {
  loaded.files.push_back(path);
  auto text = storage::read_small_file(path, kMaxFile);
  if (text) read_text(loaded, path, *text);
  else loaded.diagnostics.push_back({path, 0, 0, "cannot be read: " + text.error().message(), ""});
}

}  // namespace

std::string render(const Diagnostic& diagnostic) {
  std::string out = diagnostic.file;
  if (diagnostic.line != 0) out += ":" + std::to_string(diagnostic.line) + ":" + std::to_string(diagnostic.column);
  out += ": " + diagnostic.message;
  if (!diagnostic.snippet.empty()) {
    out += "\n  " + printable(diagnostic.snippet, 120) + "\n  ";
    out += std::string(static_cast<std::size_t>(std::clamp(diagnostic.column - 1, 0, 120)), ' ') + "^";
  }
  return out;
}

Loaded load_file(const std::string& path) {
  Loaded loaded;
  read_file(loaded, path);
  return loaded;
}

Loaded load_directory(const std::string& directory) {
  Loaded loaded;
  std::error_code error;
  if (fs::exists(directory + "/cleanerd.yaml", error)) read_file(loaded, directory + "/cleanerd.yaml");
  std::vector<std::string> parts;
  for (fs::directory_iterator entry(directory + "/conf.d", error), end; !error && entry != end; entry.increment(error))
    if (entry->path().extension() == ".yaml") parts.push_back(entry->path().string());
  std::ranges::sort(parts);
  for (const std::string& part : parts) read_file(loaded, part);
  return loaded;
}

Loaded load_text(const std::string& file, const std::string& text) {
  Loaded loaded;
  loaded.files.push_back(file);
  read_text(loaded, file, text);
  return loaded;
}

}  // namespace cleanerd::policy
