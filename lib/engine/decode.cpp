#include "engine/decode.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

namespace cleanerd::engine {
namespace {

using nlohmann::json;

// Reads members of one object and remembers the first that has a wrong type.
class Fields {
 public:
  // `what` is a literal; `outer` outlives this.
  Fields(const json& object, const char* what, const Fields* outer = nullptr) : object_(object), what_(what), outer_(outer) {
    if (!object.is_object()) error_ = Error(Errc::protocol, path() + " is not a JSON object");
  }

  const json* find(const char* key) const {
    if (!object_.is_object()) return nullptr;
    const auto member = object_.find(key);
    return member == object_.end() || member->is_null() ? nullptr : &*member;
  }
  std::string text(const char* key) {
    const json* value = find(key);
    if (!value) return {};
    if (const auto* text = value->get_ptr<const std::string*>()) return *text;
    return wrong(key, "a string"), std::string();
  }
  bool flag(const char* key) {
    const json* value = find(key);
    if (!value) return false;
    if (value->is_boolean()) return value->get<bool>();
    return wrong(key, "true or false"), false;
  }
  std::int64_t number(const char* key) {
    const json* value = find(key);
    if (!value) return 0;
    if (value->is_number_integer()) return value->get<std::int64_t>();
    return wrong(key, "a whole number"), 0;
  }
  std::vector<std::string> texts(const char* key) {
    const json* value = find(key);
    if (!value) return {};
    if (const auto* one = value->get_ptr<const std::string*>()) return {*one};
    std::vector<std::string> out;
    if (value->is_array()) {
      for (const json& item : *value) {
        const auto* text = item.get_ptr<const std::string*>();
        if (!text) return wrong(key, "a list of strings"), std::vector<std::string>();
        out.push_back(*text);
      }
      return out;
    }
    return wrong(key, "a list of strings"), out;
  }
  Labels labels(const char* key) {
    const json* value = find(key);
    if (!value) return {};
    Labels out;
    if (!value->is_object()) return wrong(key, "an object of strings"), out;
    for (const auto& [name, item] : value->items()) {
      if (item.is_null()) continue;
      const auto* text = item.get_ptr<const std::string*>();
      if (!text) return wrong(key, "an object of strings"), Labels();
      out.emplace(name, *text);
    }
    return out;
  }
  // Unix seconds or RFC 3339: the API uses both for the same thing.
  std::optional<Instant> instant(const char* key) {
    const json* value = find(key);
    if (!value) return std::nullopt;
    if (value->is_number_integer()) {
      const auto seconds = value->get<std::int64_t>();
      if (seconds <= 0 || seconds > 100'000'000'000) return std::nullopt;
      return Instant(std::chrono::seconds(seconds));
    }
    if (const auto* text = value->get_ptr<const std::string*>()) return parse_rfc3339(*text);
    return wrong(key, "a time"), std::nullopt;
  }
  Fields object(const char* key) {
    static const json kEmpty = json::object();
    const json* value = find(key);
    if (value && !value->is_object()) wrong(key, "an object");
    return Fields(value && value->is_object() ? *value : kEmpty, key, this);
  }
  std::string required(const char* key) {
    std::string value = text(key);
    if (value.empty()) wrong(key, "there");
    return value;
  }
  void wrong(const char* key, const char* expected) {
    if (!error_) error_ = Error(Errc::protocol, path() + ": '" + key + "' is not " + expected);
  }
  void take_error(const Fields& inner) {
    if (!error_) error_ = inner.error_;
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  std::string path() const { return outer_ ? outer_->path() + "." + what_ : what_; }

  const json& object_;
  const char* what_;
  const Fields* outer_;
  std::optional<Error> error_;
};

template <class T>
Result<T> done(const Fields& fields, T value) {
  if (fields.error()) return *fields.error();
  return value;
}

}  // namespace

std::optional<ApiVersion> parse_api_version(const std::string& text) {
  ApiVersion version;
  const char* const end = text.data() + text.size();
  const auto major = std::from_chars(text.data(), end, version.major);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  if (minor.ec != std::errc{} || minor.ptr != end || version.major < 0 || version.minor < 0) return std::nullopt;
  return version;
}

std::string to_string(ApiVersion version) { return std::to_string(version.major) + "." + std::to_string(version.minor); }

Result<ImageSummary> decode_image_summary(const json& source) {
  Fields fields(source, "image");
  ImageSummary image;
  image.id = ImageId(fields.required("Id"));
  image.parent = ImageId(fields.text("ParentId"));
  for (std::string& tag : fields.texts("RepoTags"))
    if (tag != "<none>:<none>") image.tags.push_back(std::move(tag));
  image.created = fields.instant("Created");
  image.size = {fields.number("Size")};
  image.labels = fields.labels("Labels");
  return done(fields, std::move(image));
}

Result<ContainerId> decode_container_id(const json& source) {
  Fields fields(source, "container");
  ContainerId id(fields.required("Id"));
  return done(fields, std::move(id));
}

Result<Container> decode_container(const json& source) {
  Fields fields(source, "container");
  Container container;
  container.id = ContainerId(fields.required("Id"));
  container.name = fields.text("Name");
  if (container.name.starts_with('/')) container.name.erase(0, 1);
  container.image_id = ImageId(fields.text("Image"));
  container.created = fields.instant("Created");
  container.path = fields.text("Path");
  container.args = fields.texts("Args");

  Fields state = fields.object("State");
  container.state = state.required("Status");
  container.exit_code = static_cast<int>(state.number("ExitCode"));
  container.finished = state.instant("FinishedAt");
  fields.take_error(state);

  Fields config = fields.object("Config");
  container.image_ref = config.text("Image");
  container.env = config.texts("Env");
  container.command = config.texts("Cmd");
  container.labels = config.labels("Labels");
  Fields healthcheck = config.object("Healthcheck");
  container.healthcheck_disabled = healthcheck.texts("Test") == std::vector<std::string>{"NONE"};
  config.take_error(healthcheck);
  fields.take_error(config);

  Fields host = fields.object("HostConfig");
  Fields log = host.object("LogConfig");
  container.log_driver = log.text("Type");
  host.take_error(log);
  Fields restart = host.object("RestartPolicy");
  container.restart_policy = restart.text("Name");
  host.take_error(restart);
  fields.take_error(host);

  if (const json* mounts = fields.find("Mounts")) {
    if (!mounts->is_array()) fields.wrong("Mounts", "a list");
    else
      for (const json& item : *mounts) {
        Fields mount(item, "Mounts", &fields);
        if (mount.text("Type") == "volume") container.volumes.emplace_back(mount.text("Name"));
        fields.take_error(mount);
      }
  }
  return done(fields, std::move(container));
}

Result<Volume> decode_volume(const json& source) {
  Fields fields(source, "volume");
  Volume volume;
  volume.name = VolumeName(fields.required("Name"));
  volume.created = fields.instant("CreatedAt");
  volume.labels = fields.labels("Labels");
  return done(fields, std::move(volume));
}

Result<std::string> decode_exec_id(const json& source) {
  Fields fields(source, "exec");
  std::string id = fields.required("Id");
  return done(fields, std::move(id));
}

Result<int> decode_exec_exit(const json& source) {
  Fields fields(source, "exec");
  if (fields.flag("Running")) return Error(Errc::conflict, "the program still runs");
  const auto code = static_cast<int>(fields.number("ExitCode"));
  return done(fields, int{code});
}

Result<std::string> decode_output(std::string_view multiplexed) {
  constexpr std::size_t kHead = 8;
  std::string output;
  while (!multiplexed.empty()) {
    if (multiplexed.size() < kHead || multiplexed[0] < 0 || multiplexed[0] > 2 || multiplexed.substr(1, 3) != std::string_view("\0\0\0", 3))
      return Error(Errc::protocol, "a program's output is not what the API says");
    std::size_t length = 0;
    for (const char byte : multiplexed.substr(4, 4)) length = length << 8 | static_cast<unsigned char>(byte);
    if (multiplexed.size() - kHead < length) return Error(Errc::protocol, "a program's output is cut short");
    if (multiplexed[0] == 1) output += multiplexed.substr(kHead, length);
    multiplexed.remove_prefix(kHead + length);
  }
  return output;
}

bool is_builder_name(const std::string& container_name) { return container_name.starts_with("buildx_buildkit_"); }
bool is_builder_name(const VolumeName& volume) { return is_builder_name(volume.str()) && volume.str().ends_with("_state"); }

Result<CacheRecord> decode_cache_record(const json& source) {
  Fields fields(source, "build cache record");
  CacheRecord record;
  record.id = CacheId(fields.required("ID"));
  // " Parents" with a leading space is what engines from 23 on send (struct tag in moby's api/types/build/cache.go);
  // 20.10 sends "Parent".
  for (const char* key : {" Parents", "Parents", "Parent"})
    for (std::string& parent : fields.texts(key))
      if (!parent.empty()) record.parents.emplace_back(std::move(parent));
  record.type = fields.text("Type");
  record.description = fields.text("Description");
  record.in_use = fields.flag("InUse");
  record.shared = fields.flag("Shared");
  record.size = {fields.number("Size")};
  record.created = fields.instant("CreatedAt");
  record.last_used = fields.instant("LastUsedAt");
  return done(fields, std::move(record));
}

std::optional<Instant> decode_tagged_at(const json& source) {
  if (!source.is_object() || !source.contains("Metadata") || !source["Metadata"].is_object()) return std::nullopt;
  return Fields(source["Metadata"], "image metadata").instant("LastTagTime");
}

Result<std::vector<std::string>> decode_history(const json& source) {
  if (!source.is_array()) return Error(Errc::protocol, "image history is not a list");
  std::vector<std::string> steps;
  for (auto step = source.rbegin(); step != source.rend(); ++step) {
    Fields entry(*step, "image history");
    steps.push_back(entry.text("CreatedBy"));
    if (entry.error()) return *entry.error();
  }
  return steps;
}

Result<VersionAnswer> decode_version(const json& source) {
  Fields fields(source, "version");
  VersionAnswer answer;
  answer.version = fields.required("Version");
  const auto newest = parse_api_version(fields.required("ApiVersion"));
  if (!newest) fields.wrong("ApiVersion", "a version");
  const std::string oldest_text = fields.text("MinAPIVersion");
  const auto oldest = oldest_text.empty() ? ApiVersion{1, 12} : parse_api_version(oldest_text);
  if (!oldest) fields.wrong("MinAPIVersion", "a version");
  if (newest && oldest) {
    answer.api_max = *newest;
    answer.api_min = *oldest;
  }
  return done(fields, std::move(answer));
}

Status decode_info(const json& source, EngineInfo& info) {
  Fields fields(source, "info");
  info.storage_driver = fields.text("Driver");
  info.data_root = fields.text("DockerRootDir");
  info.id = fields.text("ID");
  info.store = ImageStore::graphdriver;
  if (const json* status = fields.find("DriverStatus"); status && status->is_array()) {
    for (const json& pair : *status) {
      // The containerd image store announces itself as a snapshotter: [["driver-type","io.containerd.snapshotter.v1"]].
      if (pair.is_array() && pair.size() == 2 && pair[0] == "driver-type" && pair[1] == "io.containerd.snapshotter.v1")
        info.store = ImageStore::containerd;
    }
  }
  if (fields.error()) return *fields.error();
  return {};
}

Result<std::size_t> decode_image_count(const json& source) {
  Fields fields(source, "info");
  const std::int64_t count = fields.number("Images");
  if (count < 0 || !fields.find("Images")) fields.wrong("Images", "a number of images");
  return done(fields, static_cast<std::size_t>(count));
}

Result<PruneReport> decode_prune(const json& source) {
  Fields fields(source, "prune report");
  PruneReport report;
  for (std::string& id : fields.texts("CachesDeleted")) report.deleted.emplace_back(std::move(id));
  report.reclaimed = {fields.number("SpaceReclaimed")};
  return done(fields, std::move(report));
}

}  // namespace cleanerd::engine
