#include "policy/load.hpp"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>

#include "base/text.hpp"
#include "match/yaml_documents.hpp"
#include "policy/policies_reader.hpp"
#include "storage/file.hpp"

namespace cleanerd::policy {
namespace {

namespace fs = std::filesystem;
using YAML::Node;

constexpr std::size_t kMaxFile = 1u << 20;

void read_engine(NodeReader& reader, const Node& node, Policy& policy) {
  reader.map(node, "engine", {{"host", [&](const Node& n) {
                                 std::string value;
                                 if (!reader.text(n, value, "a Unix socket, such as unix:///var/run/docker.sock")) return;
                                 if (value.starts_with("unix:///")) policy.engine_host = value;
                                 else reader.problem(n.Mark(), "expected a Unix socket, such as unix:///var/run/docker.sock");
                               }}});
}

void read_secrets(NodeReader& reader, const Node& node, Policy& policy) {
  constexpr const char* kExpected = "name patterns, such as *_LICENSE";
  std::vector<std::string> names, exceptions;
  reader.map(node, "secrets", {{"names", [&](const Node& n) { reader.texts(n, kExpected, names); }},
                               {"except", [&](const Node& n) { reader.texts(n, kExpected, exceptions); }}});
  policy.names.add(names, exceptions);
}

void read_protect(NodeReader& reader, const Node& node, Policy& policy) {
  reader.map(node, "protect",
             {{"labels", [&](const Node& n) { reader.labels(n, policy.protected_labels); }},
              {"images", [&](const Node& n) { reader.texts(n, "image patterns, such as registry.example/base:*", policy.protected_images); }},
              {"stopped_containers", [&](const Node& n) { reader.boolean(n, policy.protect_stopped_containers); }}});
}

void read_leftovers(NodeReader& reader, const Node& node, Policy& policy) {
  using inventory::Kind;
  static constexpr Kind kRemovable[] = {Kind::leftover_tmp, Kind::leftover_ingest, Kind::orphan_layer, Kind::store_inactive};
  reader.map(node, "leftovers", {{"remove", [&](const Node& n) {
                                    reader.list(n, "kinds, such as leftover.tmp", [&](const Node& item, const std::string& value) {
                                      const auto kind = std::ranges::find(kRemovable, value, [](Kind one) { return inventory::to_string(one); });
                                      if (kind == std::end(kRemovable))
                                        return reader.problem(item.Mark(), "expected leftover.tmp, leftover.ingest, orphan.layer or store.inactive");
                                      policy.removed_leftovers.push_back(*kind);
                                    });
                                  }}});
}

void read_control(NodeReader& reader, const Node& node, Policy& policy) {
  reader.map(node, "control", {{"socket", [&](const Node& n) {
                                  std::optional<std::string> path;
                                  reader.path(n, path);
                                  if (path) policy.control_socket = *path;
                                }},
                               {"may_purge", [&](const Node& n) { reader.texts(n, "users, by name or number", policy.may_purge); }}});
}

void read_metrics(NodeReader& reader, const Node& node, Policy& policy) {
  constexpr const char* kExpected = "an address and a port, such as 127.0.0.1:9798, or off";
  std::string value;
  if (!reader.text(node, value, kExpected)) return;
  const auto colon = value.rfind(':');
  const std::string port = colon == std::string::npos ? "" : value.substr(colon + 1);
  const bool is_port = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (value == "off" || (is_port && colon > 0)) policy.metrics_address = value;
  else reader.problem(node.Mark(), std::string("expected ") + kExpected);
}

void read_low_disk(NodeReader& reader, const Node& node, Policy& policy) {
  constexpr const char* kExpected = "a percentage, such as 10%, or off";
  std::string value;
  if (!reader.text(node, value, kExpected)) return;
  const bool is_percent = value.size() >= 2 && value.size() <= 3 && value.find_first_not_of("0123456789") == value.size() - 1 && value.ends_with('%');
  if (value == "off") policy.low_disk.reset();
  else if (is_percent) policy.low_disk = std::stod(value);
  else reader.problem(node.Mark(), std::string("expected ") + kExpected);
}

void read_root(NodeReader& reader, const Node& node, Policy& policy) {
  if (node.IsNull() || !node.IsDefined()) return;
  reader.map(node, "the file",
             {{"engine", [&](const Node& n) { read_engine(reader, n, policy); }},
              {"state_dir", [&](const Node& n) { reader.path(n, policy.state_dir); }},
              {"secrets", [&](const Node& n) { read_secrets(reader, n, policy); }},
              {"protect", [&](const Node& n) { read_protect(reader, n, policy); }},
              {"quiet_period", [&](const Node& n) { reader.duration(n, policy.quiet_period); }},
              {"interval", [&](const Node& n) { reader.duration(n, policy.interval); }},
              {"rules_dir", [&](const Node& n) { reader.path(n, policy.rules_dir); }},
              {"builders", [&](const Node& n) {
                 reader.map(n, "builders", {{"remove_orphaned", [&](const Node& value) { reader.boolean(value, policy.remove_orphaned_builders); }}});
               }},
              {"leftovers", [&](const Node& n) { read_leftovers(reader, n, policy); }},
              {"control", [&](const Node& n) { read_control(reader, n, policy); }},
              {"metrics", [&](const Node& n) { read_metrics(reader, n, policy); }},
              {"low_disk", [&](const Node& n) { read_low_disk(reader, n, policy); }},
              {"keep_audit", [&](const Node& n) { reader.duration(n, policy.keep_audit); }},
              {"policies", [&](const Node& n) { read_policies(reader, n, policy.policies); }}});
}

void read_text(Loaded& loaded, const std::string& file, const std::string& text) {
  NodeReader reader(loaded.diagnostics, file, text);
  try {
    if (const auto wrong = match::document_problem(text)) return reader.problem(wrong->mark, wrong->message);
    read_root(reader, YAML::Load(text), loaded.policy);
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

Loaded load_files(const std::vector<std::string>& paths) {
  Loaded loaded;
  for (const std::string& path : paths) read_file(loaded, path);
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
