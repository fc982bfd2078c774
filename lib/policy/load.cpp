#include "policy/load.hpp"

#include <sys/types.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <limits>

#include "base/text.hpp"
#include "engine/endpoint.hpp"
#include "http/server.hpp"
#include "match/yaml_documents.hpp"
#include "policy/policies_reader.hpp"
#include "storage/file.hpp"

namespace cleanerd::policy {
namespace {

namespace fs = std::filesystem;
using YAML::Node;

constexpr std::size_t kMaxFile = 1u << 20;
constexpr Duration kLongest = std::chrono::hours(24 * 365);  // that the service waits for anything

void read_engine(NodeReader& reader, const Node& node, Policy& policy) {
  reader.map(node, "engine", {{"host", [&](const Node& n) {
                                 constexpr const char* kExpected = "a Unix socket, such as unix:///var/run/docker.sock";
                                 std::string value;
                                 if (!reader.text(n, value, kExpected)) return;
                                 if (engine::parse_endpoint(value)) policy.engine_host = value;
                                 else reader.problem(n.Mark(), std::string("expected ") + kExpected);
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

void read_users(NodeReader& reader, const Node& node, std::vector<std::string>& users) {
  reader.list(node, "users, by name or number", [&](const Node& item, const std::string& value) {
    const bool is_number = value.find_first_not_of("0123456789") == std::string::npos;
    const bool is_id = is_number && value.size() <= 10 && std::stoull(value) < std::numeric_limits<uid_t>::max();
    // passwd(5): no ':', and nothing that a shell would take apart.
    const bool is_name = !is_number && value.find_first_of(" \t\n:/,") == std::string::npos && value.front() != '-';
    if (is_id || is_name) users.push_back(value);
    else reader.problem(item.Mark(), "expected a user, such as ci-admin or 1001");
  });
}

void read_log_level(NodeReader& reader, const Node& node, Policy& policy) {
  constexpr const char* kExpected = "one of: error, warn, info, debug, trace";
  std::string value;
  if (!reader.text(node, value, kExpected)) return;
  if (std::ranges::find(kLogLevels, value) != kLogLevels.end()) policy.log_level = value;
  else reader.problem(node.Mark(), std::string("expected ") + kExpected);
}

void read_control(NodeReader& reader, const Node& node, Policy& policy) {
  reader.map(node, "control", {{"socket", [&](const Node& n) {
                                  std::optional<std::string> path;
                                  reader.path(n, path);
                                  if (!path) return;
                                  if (http::is_socket_path(*path)) policy.control_socket = *path;
                                  else reader.problem(n.Mark(), "expected the path of a Unix socket: at most 107 bytes, and no '/' at its end");
                                }},
                               {"may_purge", [&](const Node& n) { read_users(reader, n, policy.may_purge); }}});
}

void read_metrics(NodeReader& reader, const Node& node, Policy& policy) {
  constexpr const char* kExpected = "a numeric address and a port, such as 127.0.0.1:9798 or [::1]:9798, or off";
  std::string value;
  if (!reader.text(node, value, kExpected)) return;
  if (value == "off" || http::parse_tcp_address(value)) policy.metrics_address = value;
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
              {"quiet_period", [&](const Node& n) { reader.duration(n, policy.quiet_period, Duration(0), kLongest); }},
              {"interval", [&](const Node& n) { reader.duration(n, policy.interval, std::chrono::seconds(1), kLongest); }},
              {"rules_dir", [&](const Node& n) { reader.path(n, policy.rules_dir); }},
              {"builders", [&](const Node& n) {
                 reader.map(n, "builders", {{"remove_orphaned", [&](const Node& value) { reader.boolean(value, policy.remove_orphaned_builders); }}});
               }},
              {"leftovers", [&](const Node& n) { read_leftovers(reader, n, policy); }},
              {"control", [&](const Node& n) { read_control(reader, n, policy); }},
              {"metrics", [&](const Node& n) { read_metrics(reader, n, policy); }},
              {"low_disk", [&](const Node& n) { read_low_disk(reader, n, policy); }},
              {"log_level", [&](const Node& n) { read_log_level(reader, n, policy); }},
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
