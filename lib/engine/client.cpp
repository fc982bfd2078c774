#include "engine/client.hpp"

#include <atomic>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "base/text.hpp"
#include "engine/http.hpp"
#include "engine/json_stream.hpp"

namespace cleanerd::engine {
namespace {

using std::chrono::seconds;

constexpr seconds kGreeting{10};    // answered from memory: no answer in this time is no engine
constexpr seconds kListing{60};     // the containerd store takes some 10 s for 1,000 images on a cold disk
constexpr seconds kInspecting{30};
constexpr seconds kRemoving{300};   // layers are unlinked before the answer
constexpr seconds kExporting{3600};
constexpr std::uint64_t kMaxExport = 1ull << 40;
constexpr std::uint64_t kMaxOutput = 16u << 20;
constexpr seconds kPruning{3600};   // one call for any number of records, each with its layers
// More only queue up inside the engine, which answers lists under locks.
constexpr std::size_t kParallelCalls = 4;
// Five times the largest list that was ever needed; some 100 MiB.
constexpr std::size_t kMaxListed = 500'000;

// The engine's own {"message": …} for a status that is not 2xx.
Error engine_error(HttpResponse& response) {
  const unsigned status = response.status();
  std::string message;
  if (auto document = read_document(response); document && document->is_object()) {
    const auto member = document->find("message");
    if (member != document->end() && member->is_string()) message = member->get<std::string>();
  }
  const Errc code = status == 404   ? Errc::not_found
                    : status == 409 ? Errc::conflict
                    : status == 403 ? Errc::permission
                    : status == 501 ? Errc::unsupported
                                    : Errc::engine;
  return Error(code, "the Docker engine answered " + std::to_string(status) +
                         (message.empty() ? std::string() : ": " + printable(message)));
}

// The filter of POST /build/prune that matches exactly these ids: an unanchored regular expression, one value a key.
std::string id_filter(std::span<const CacheId> ids) {
  std::string pattern = "^(";
  for (const CacheId& id : ids) {
    if (pattern.size() > 2) pattern += '|';
    pattern += id.str();
  }
  return nlohmann::json({{"id", {pattern + ")$"}}}).dump();
}

Result<std::string> read_output(HttpResponse& response) {
  std::string raw;
  for (;;) {
    auto piece = response.next();
    if (!piece) return std::move(piece).error();
    if (piece->empty()) break;
    raw += *piece;
  }
  return decode_output(raw);
}

bool is_record_id(const std::string& id) {
  return !id.empty() && id.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string::npos;
}

}  // namespace

class Client::Impl {
 public:
  Impl(const Endpoint& endpoint, ClientOptions options)
      : http(endpoint, std::move(options.stop)), on_call(std::move(options.on_call)) {}

  std::string versioned(std::string_view path) const { return "/v" + to_string(info.api) + std::string(path); }

  Result<HttpResponse> call(Method method, const std::string& target, seconds deadline) { return call({.method = method, .target = target, .deadline = deadline}); }
  Result<HttpResponse> call_to_the_end(Method method, const std::string& path, seconds deadline) {
    return call({.method = method, .target = versioned(path), .deadline = deadline, .to_the_end = true});
  }

  Result<HttpResponse> call(const HttpRequest& request) {
    const Method method = request.method;
    const std::string& target = request.target;
    const auto start = std::chrono::steady_clock::now();
    auto response = http.send(request);
    if (on_call) {
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
      on_call({to_string(method), target, response ? response->status() : 0, took});
    }
    if (!response) return response;
    if (response->status() / 100 != 2) return engine_error(*response);
    return response;
  }

  Status stream(const std::string& path, const Consume& consume) {
    auto response = call({.method = Method::get, .target = versioned(path), .deadline = kExporting, .body_limit = kMaxExport});
    if (!response) return std::move(response).error();
    return consume(*response);
  }

  // Reads are repeated once when the engine closes in the middle: a restart between two calls is no reason to fail, and the
  // second try tells an engine that is gone (unreachable) from one that answers wrongly (protocol).
  template <class Read>
  auto get(const HttpRequest& request, const Read& read) -> decltype(read(std::declval<HttpResponse&>())) {
    for (int attempt = 0;; ++attempt) {
      auto response = call(request);
      const bool last = attempt == 1;
      if (!response) {
        if (last || response.error().code() != Errc::protocol) return std::move(response).error();
        continue;
      }
      auto result = read(*response);
      if (result || last || result.error().code() != Errc::protocol) return result;
    }
  }

  template <class Read>
  auto get(const std::string& target, seconds deadline, const Read& read) -> decltype(read(std::declval<HttpResponse&>())) {
    return get({.method = Method::get, .target = target, .deadline = deadline}, read);
  }

  Result<nlohmann::json> document(const std::string& target, seconds deadline) {
    return get(target, deadline, [](HttpResponse& response) { return read_document(response); });
  }

  template <class T>
  Result<std::vector<T>> list(const std::string& target, std::string_view key, Result<T> (*decode)(const nlohmann::json&),
                              bool to_the_end = false) {
    const HttpRequest request{.method = Method::get, .target = target, .deadline = kListing, .to_the_end = to_the_end};
    return get(request, [&](HttpResponse& response) -> Result<std::vector<T>> {
      std::vector<T> items;
      Status status = for_each_element(response, key, [&](const nlohmann::json& element) -> Status {
        if (items.size() == kMaxListed) return Error(Errc::too_large, "the answer lists more than " + std::to_string(kMaxListed) + " objects");
        auto item = decode(element);
        if (!item) return std::move(item).error();
        items.push_back(std::move(*item));
        return {};
      });
      if (!status) return std::move(status).error();
      return items;
    });
  }

  // The newest version that both speak; nullopt where the answer's head does not tell it.
  Result<std::optional<ApiVersion>> ping() {
    using Common = std::optional<ApiVersion>;
    auto common = get("/_ping", kGreeting, [](HttpResponse& response) -> Result<Common> {
      const auto newest = parse_api_version(response.header("Api-Version"));
      for (;;) {
        auto piece = response.next();
        if (!piece) return std::move(piece).error();
        if (piece->empty()) break;
      }
      if (!newest || *newest < kOldestApi) return Common();
      return Common(std::min(kNewestApi, *newest));
    });
    if (!common && common.error().code() == Errc::not_found) return Common();
    return common;
  }

  HttpClient http;
  std::function<void(const Call&)> on_call;
  EngineInfo info;
};

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

const EngineInfo& Client::engine() const { return impl_->info; }
const Endpoint& Client::endpoint() const { return impl_->http.endpoint(); }

Result<Client> Client::connect(const Endpoint& endpoint, ClientOptions options) {
  auto impl = std::make_unique<Impl>(endpoint, std::move(options));
  auto pinged = impl->ping();
  if (!pinged) return std::move(pinged).error().within("ask the engine's version");
  EngineInfo& info = impl->info;
  // The engine asks other programs for their versions, for this and for GET /version.
  std::future<Result<nlohmann::json>> early_info;
  if (*pinged) {
    const std::string path = "/v" + to_string(**pinged) + "/info";
    early_info = std::async(std::launch::async, [&impl = *impl, path] { return impl.document(path, kInspecting); });
  }
  // Unversioned paths are answered by every engine with its newest version.
  auto document = impl->document("/version", kGreeting);
  if (!document) return std::move(document).error().within("ask the engine's version");
  auto version = decode_version(*document);
  if (!version) return std::move(version).error().within("ask the engine's version");
  info.version = printable(version->version, 40);
  info.api_max = version->api_max;
  info.api = std::min(kNewestApi, version->api_max);
  if (info.api < kOldestApi)
    return Error(Errc::unsupported, "the Docker engine " + info.version + " speaks API " + to_string(version->api_max) +
                                        " at most, cleanerd needs " + to_string(kOldestApi) + " or newer");
  if (info.api < version->api_min)
    return Error(Errc::unsupported, "the Docker engine " + info.version + " speaks API " + to_string(version->api_min) +
                                        " and newer, this cleanerd up to " + to_string(kNewestApi) + "; a newer cleanerd is needed");
  auto answer = early_info.valid() && info.api == **pinged ? early_info.get() : impl->document(impl->versioned("/info"), kInspecting);
  if (!answer) return std::move(answer).error().within("ask the engine's state");
  if (Status decoded = decode_info(*answer, info); !decoded) return std::move(decoded).error().within("ask the engine's state");
  return Client(std::move(impl));
}

Result<Client> Client::connect_again(const Endpoint& endpoint, const EngineInfo& engine, ClientOptions options) {
  auto impl = std::make_unique<Impl>(endpoint, std::move(options));
  auto common = impl->ping();
  if (!common) return std::move(common).error().within("ask the engine's version");
  if (*common != engine.api) return Error(Errc::conflict, "ask the engine's version: it is another one now");
  impl->info = engine;
  return Client(std::move(impl));
}

Result<std::vector<ImageSummary>> Client::list_images() const {
  auto images = impl_->list<ImageSummary>(impl_->versioned("/images/json?all=1"), "", decode_image_summary);
  if (!images) return std::move(images).error().within("list images");
  return images;
}

Result<std::size_t> Client::count_images() const {
  auto document = impl_->document(impl_->versioned("/info"), kInspecting);
  if (!document) return std::move(document).error().within("count images");
  EngineInfo now;
  const EngineInfo& then = impl_->info;
  if (!decode_info(*document, now) || now.id != then.id || now.data_root != then.data_root || now.store != then.store || now.storage_driver != then.storage_driver)
    return Error(Errc::conflict, "count images: another engine answers now");
  auto count = decode_image_count(*document);
  if (!count) return std::move(count).error().within("count images");
  return count;
}

Result<ImageConfig> Client::image_config(const ImageId& id) const {
  const std::string path = "/images/" + percent_encode(id.str());
  auto config = impl_->get(impl_->versioned(path + "/json"), kInspecting, [](HttpResponse& response) -> Result<ImageConfig> {
    auto text = read_text(response);
    if (!text) return std::move(text).error();
    return decode_image_config(*text);
  });
  if (!config) return std::move(config).error().within("inspect image " + id.short_form());
  auto history = impl_->document(impl_->versioned(path + "/history"), kInspecting);
  if (!history) return std::move(history).error().within("history of image " + id.short_form());
  auto steps = decode_history(*history);
  if (!steps) return std::move(steps).error().within("history of image " + id.short_form());
  config->created_by = std::move(*steps);
  return config;
}

Result<ImageSummary> Client::inspect_image(const std::string& name) const {
  auto document = impl_->document(impl_->versioned("/images/" + percent_encode(name) + "/json"), kInspecting);
  auto image = document ? decode_image_summary(*document) : Result<ImageSummary>(std::move(document).error());
  if (!image) return std::move(image).error().within("inspect image " + ImageId(name).short_form());
  return image;
}

Result<std::optional<Instant>> Client::image_tagged_at(const ImageId& id) const {
  auto document = impl_->document(impl_->versioned("/images/" + percent_encode(id.str()) + "/json"), kInspecting);
  if (!document) return std::move(document).error().within("inspect image " + id.short_form());
  return decode_tagged_at(*document);
}

Result<Container> Client::inspect_container(const ContainerId& id) const {
  auto document = impl_->document(impl_->versioned("/containers/" + percent_encode(id.str()) + "/json"), kInspecting);
  if (!document) return std::move(document).error().within("inspect container " + id.short_form());
  auto container = decode_container(*document);
  if (!container) return std::move(container).error().within("inspect container " + id.short_form());
  return container;
}

Result<std::vector<Container>> Client::list_containers() const {
  auto ids = impl_->list<ContainerId>(impl_->versioned("/containers/json?all=1"), "", decode_container_id);
  if (!ids) return std::move(ids).error().within("list containers");
  std::vector<std::optional<Result<Container>>> details(ids->size());
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i; (i = next++) < ids->size();) details[i] = inspect_container((*ids)[i]);
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < std::min(kParallelCalls, ids->size()); ++i) helpers.emplace_back(work);
    work();
  }
  std::vector<Container> containers;
  for (auto& detail : details) {
    if (detail->has_value()) containers.push_back(std::move(**detail));
    else if (detail->error().code() != Errc::not_found) return std::move(*detail).error();
  }
  return containers;
}

Result<std::vector<CacheRecord>> Client::list_cache_records() const {
  auto records = impl_->list<CacheRecord>(impl_->versioned("/system/df?type=build-cache"), "BuildCache", decode_cache_record, true);
  if (!records) return std::move(records).error().within("list the build cache");
  return records;
}

Result<std::vector<Volume>> Client::list_builder_volumes() const {
  const std::string filter = percent_encode(nlohmann::json({{"name", {"buildx_buildkit_"}}}).dump());  // a part of the name
  auto volumes = impl_->list<Volume>(impl_->versioned("/volumes?filters=" + filter), "Volumes", decode_volume);
  if (!volumes && volumes.error().code() == Errc::not_found) return std::vector<Volume>();  // what has no such list has no volumes
  if (!volumes) return std::move(volumes).error().within("list volumes");
  std::erase_if(*volumes, [](const Volume& volume) { return !is_builder_name(volume.name); });
  return volumes;
}

Status Client::export_image(const ImageId& id, const Consume& consume) const {
  Status done = impl_->stream("/images/" + percent_encode(id.str()) + "/get", consume);
  return done ? Status() : std::move(done).error().within("export image " + id.short_form());
}

Status Client::export_container(const ContainerId& id, const Consume& consume) const {
  Status done = impl_->stream("/containers/" + percent_encode(id.str()) + "/export", consume);
  return done ? Status() : std::move(done).error().within("export container " + id.short_form());
}

Status Client::container_logs(const ContainerId& id, const Consume& consume) const {
  Status done = impl_->stream("/containers/" + percent_encode(id.str()) + "/logs?stdout=1&stderr=1", consume);
  return done ? Status() : std::move(done).error().within("logs of container " + id.short_form());
}

Status Client::remove_image(const ImageId& id) const {
  auto response = impl_->call_to_the_end(Method::del, "/images/" + percent_encode(id.str()) + "?noprune=1", kRemoving);
  if (!response) return std::move(response).error().within("remove image " + id.short_form());
  return {};
}

Status Client::remove_container(const ContainerId& id, Volumes volumes) const {
  const std::string query = volumes == Volumes::take ? "?v=1" : "";
  auto response = impl_->call_to_the_end(Method::del, "/containers/" + percent_encode(id.str()) + query, kRemoving);
  if (!response) return std::move(response).error().within("remove container " + id.short_form());
  return {};
}

Status Client::remove_volume(const VolumeName& name) const {
  auto response = impl_->call_to_the_end(Method::del, "/volumes/" + percent_encode(name.str()), kRemoving);
  if (!response) return std::move(response).error().within("remove a volume");
  return {};
}

Result<Client::ExecResult> Client::exec(const ContainerId& id, std::span<const std::string> command) const {
  const std::string step = "run " + (command.empty() ? std::string() : command.front()) + " in container " + id.short_form();
  const nlohmann::json wanted{{"AttachStdout", true}, {"AttachStderr", true}, {"Tty", false}, {"Cmd", command}};
  auto created = impl_->call({.method = Method::post, .target = impl_->versioned("/containers/" + percent_encode(id.str()) + "/exec"),
                              .deadline = kInspecting, .json = wanted.dump()});
  if (!created) return std::move(created).error().within(step);
  auto answer = read_document(*created);
  if (!answer) return std::move(answer).error().within(step);
  auto exec_id = decode_exec_id(*answer);
  if (!exec_id) return std::move(exec_id).error().within(step);
  const std::string path = "/exec/" + percent_encode(*exec_id);
  ExecResult result;
  {
    auto started = impl_->call({.method = Method::post, .target = impl_->versioned(path + "/start"), .deadline = kPruning,
                                .json = R"({"Detach":false,"Tty":false})", .body_limit = kMaxOutput});
    if (!started) return std::move(started).error().within(step);
    auto output = read_output(*started);
    if (!output) return std::move(output).error().within(step);
    result.output = std::move(*output);
  }
  auto ended = impl_->document(impl_->versioned(path + "/json"), kInspecting);
  if (!ended) return std::move(ended).error().within(step);
  auto exit_code = decode_exec_exit(*ended);
  if (!exit_code) return std::move(exit_code).error().within(step);
  result.exit_code = *exit_code;
  return result;
}

Result<PruneReport> Client::prune_cache(std::span<const CacheId> ids) const {
  for (const CacheId& id : ids)
    if (!is_record_id(id.str())) return Error(Errc::protocol, "prune the build cache: a record id has an unknown form");
  auto response = impl_->call_to_the_end(Method::post, "/build/prune?all=1&filters=" + percent_encode(id_filter(ids)), kPruning);
  if (!response) return std::move(response).error().within("prune the build cache");
  auto document = read_document(*response);
  if (!document) return std::move(document).error().within("prune the build cache");
  auto report = decode_prune(*document);
  if (!report) return std::move(report).error().within("prune the build cache");
  return report;
}

Status Client::collect_garbage() const {
  const std::vector<CacheId> none{CacheId("zzzz")};  // record ids have 25 characters
  auto report = prune_cache(none);
  if (!report) return std::move(report).error().within("collect unreferenced content");
  return {};
}

}  // namespace cleanerd::engine
