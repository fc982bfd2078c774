#include "storage/data_root.hpp"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/secret_value.hpp"
#include "base/text.hpp"
#include "engine/decode.hpp"
#include "engine/json_stream.hpp"
#include "storage/engine_process.hpp"
#include "storage/file.hpp"

namespace cleanerd::storage {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_digest(const std::string& text) {
  return text.size() == 71 && text.starts_with("sha256:") &&
         text.find_first_not_of("0123456789abcdef", 7) == std::string::npos;
}

Result<json> parse(const std::string& content, const std::string& digest) {
  auto document = engine::parse_document(content);
  if (!document || !document->is_object()) return Error(Errc::protocol, "blob " + digest + " is not a JSON object");
  return document;
}

const std::string* digest_of(const json& descriptor) {
  if (!descriptor.is_object()) return nullptr;
  const auto member = descriptor.find("digest");
  return member == descriptor.end() ? nullptr : member->get_ptr<const std::string*>();
}

// Both there and one and the same, or neither there.
bool is_same_directory(const std::string& one, const std::string& other) {
  struct stat first {};
  struct stat second {};
  const bool there = ::stat(one.c_str(), &first) == 0;
  return there == (::stat(other.c_str(), &second) == 0) && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// The way through /proc costs every lookup below it twice as much as the plain one. Disks are mounted on a data root, or on one of these
// in it; where the engine alone sees such a mount, the plain way would show an empty directory.
bool is_seen_alike(const std::string& of_engine, const std::string& plain, const engine::EngineInfo& engine) {
  const std::string driver = "/" + engine.storage_driver;
  const std::string content = "/containerd/daemon/io.containerd.content.v1.content", snapshots = "/containerd/daemon/io.containerd.snapshotter.v1.";
  for (const std::string& folder : {std::string(), driver, "/image" + driver, "/image" + driver + "/imagedb/content/sha256",
                                    "/image" + driver + "/layerdb/sha256", std::string("/buildkit"), std::string("/buildkit/content"),
                                    std::string("/buildkit/executor"), std::string("/containers"), std::string("/volumes"), std::string("/tmp"),
                                    content + "/blobs/sha256", snapshots + engine.storage_driver + "/snapshots"})
    if (!is_same_directory(of_engine + folder, plain + folder)) return false;
  struct stat root {};
  return ::stat(plain.c_str(), &root) == 0;
}

}  // namespace

std::optional<DataRoot> DataRoot::open(const engine::EngineInfo& engine, const engine::Endpoint& endpoint) {
  if (!engine.data_root.starts_with('/')) return std::nullopt;
  std::string of_engine = engine.data_root;
  std::vector<std::string> prefixes;
  if (const pid_t pid = listener(endpoint.socket_path); pid > 0) {
    const std::string prefix = "/proc/" + std::to_string(pid) + "/root";
    if (is_seen_alike(prefix + engine.data_root, engine.data_root, engine)) of_engine = prefix + engine.data_root;
    else prefixes.push_back(prefix);
  }
  prefixes.emplace_back();
  for (const std::string& prefix : prefixes) {
    std::error_code error;
    fs::directory_iterator probe(prefix + engine.data_root, error);
    if (error) continue;
    DataRoot root(prefix + engine.data_root, prefix, engine);
    root.path_of_engine_ = prefix.empty() ? of_engine : root.path_;
    root.socket_ = endpoint.socket_path;
    if (auto id = read_small_file(root.path_ + "/engine-id")) root.belongs_ = !engine.id.empty() && trim(*id) == engine.id;
    else if (id.error().code() == Errc::not_found) root.belongs_ = root.process().has_value();
    return root;
  }
  return std::nullopt;
}

DataRoot::DataRoot(std::string path, std::string prefix, const engine::EngineInfo& engine) : path_(std::move(path)) {
  static constexpr const char* kBlobs = "/io.containerd.content.v1.content/blobs/sha256/";
  if (engine.store == engine::ImageStore::graphdriver)
    blob_folders_ = {path_ + "/image/" + engine.storage_driver + "/imagedb/content/sha256/"};
  else  // containerd as dockerd's child, or the system's own
    blob_folders_ = {path_ + "/containerd/daemon" + kBlobs, prefix + "/var/lib/containerd" + kBlobs};
}

std::optional<EngineProcess> DataRoot::process() const { return engine_process(socket_, path_of_engine_); }

Result<std::string> DataRoot::read_blob(const std::string& digest) const {
  if (!is_digest(digest)) return Error(Errc::not_found, "no sha256 digest");
  for (const std::string& folder : blob_folders_) {
    auto content = read_small_file(folder + digest.substr(7));
    if (content && sha256_hex(*content) == digest.substr(7)) return content;
  }
  return Error(Errc::not_found, "no readable blob " + digest);
}

Result<engine::ImageConfig> DataRoot::manifest_config(const std::string& digest, int depth) const {
  auto content = read_blob(digest);
  if (!content) return std::move(content).error();
  auto document = parse(*content, digest);
  if (!document) return std::move(document).error();
  if (const auto config = document->find("config"); config != document->end() && digest_of(*config)) {
    const std::string config_digest = *digest_of(*config);
    auto blob = read_blob(config_digest);
    if (!blob) return std::move(blob).error();
    return engine::decode_image_config(*blob);
  }
  // An index: every platform whose content is here. Attestation manifests have no image config of interest but harmless ones.
  const auto manifests = document->find("manifests");
  if (manifests == document->end() || !manifests->is_array() || depth == 0)
    return Error(Errc::not_found, "blob " + digest + " leads to no image config");
  std::optional<engine::ImageConfig> all;
  for (const json& entry : *manifests) {
    const std::string* child = digest_of(entry);
    if (!child) continue;
    auto config = manifest_config(*child, depth - 1);
    if (!config) continue;
    if (!all) {
      all = std::move(*config);
    } else {
      all->env.insert(all->env.end(), config->env.begin(), config->env.end());
      all->on_build.insert(all->on_build.end(), config->on_build.begin(), config->on_build.end());
      all->created_by.insert(all->created_by.end(), config->created_by.begin(), config->created_by.end());
      all->labels.merge(config->labels);
    }
  }
  if (!all) return Error(Errc::not_found, "no platform of index " + digest + " is here");
  return std::move(*all);
}

Result<engine::ImageConfig> DataRoot::image_config(const ImageId& id) const {
  if (blob_folders_.size() == 1) {  // graphdriver: the id is the config's own digest
    auto content = read_blob(id.str());
    if (!content) return std::move(content).error();
    return decode_config(*content, id.str());
  }
  return manifest_config(id.str(), 2);
}

Result<engine::ImageConfig> decode_config(const std::string& text, const std::string& digest) {
  if (!is_digest(digest) || sha256_hex(text) != digest.substr(7)) return Error(Errc::not_found, "no readable blob " + digest);
  return engine::decode_image_config(text);
}

std::optional<bool> DataRoot::classic_build_running() const {
  std::error_code error;
  for (fs::directory_iterator entry(path_ + "/tmp", error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().starts_with("docker-builder")) return true;
  }
  if (error) return std::nullopt;
  return false;
}

std::optional<DiskSpace> DataRoot::disk() const {
  struct statvfs file_system{};
  if (::statvfs(path_of_engine_.c_str(), &file_system) != 0) return std::nullopt;
  const auto size_of = [&](fsblkcnt_t blocks) { return ByteSize{static_cast<std::int64_t>(blocks * file_system.f_frsize)}; };
  return DiskSpace{size_of(file_system.f_blocks), size_of(file_system.f_bavail)};
}

}  // namespace cleanerd::storage
