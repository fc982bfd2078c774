#include "storage/cache_list.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/bbolt.hpp"

namespace cleanerd::storage {
namespace {

using nlohmann::json;

// Each value is {"value": …}, with "index" beside it for some; one that was taken back is empty.
class Value {
 public:
  explicit Value(std::string_view text) : document_(text.empty() ? json() : json::parse(text.begin(), text.end(), nullptr, false)) {
    if (!document_.is_object()) return;
    const auto found = document_.find("value");
    if (found != document_.end()) value_ = &*found;
  }
  std::string text() const { return value_ && value_->is_string() ? value_->get<std::string>() : std::string(); }
  std::int64_t number() const { return value_ && value_->is_number_integer() ? value_->get<std::int64_t>() : 0; }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    if (value_ && value_->is_array())
      for (const json& one : *value_)
        if (one.is_string()) all.push_back(one.get<std::string>());
    return all;
  }

 private:
  json document_;
  const json* value_ = nullptr;
};

// As Value's, for the many that are nothing but a number.
std::int64_t number_in(std::string_view text) {
  constexpr std::string_view kPrefix = "{\"value\":";
  std::int64_t number = 0;
  if (text.starts_with(kPrefix)) {
    const auto [end, error] = std::from_chars(text.data() + kPrefix.size(), text.data() + text.size(), number);
    if (error == std::errc() && end + 1 == text.data() + text.size() && *end == '}') return number;
  }
  return Value(text).number();
}

class Reader {
 public:
  explicit Reader(std::string id) { record_.id = CacheId(std::move(id)); }

  void entry(std::string_view key, std::string_view text) {
    if (key == "cache.description") record_.description = Value(text).text();
    else if (key == "cache.recordType") record_.type = Value(text).text();
    else if (key == "cache.createdAt") record_.created = instant(text);
    else if (key == "cache.lastUsedAt") record_.last_used = instant(text);
    else if (key == "snapshot.size") record_.size = {std::max<std::int64_t>(0, number_in(text))};
    else if (key == "cache.parent" || key == "cache.lowerDiffParent" || key == "cache.upperDiffParent") add_parent(Value(text).text());
    else if (key == "cache.mergeParents") for (std::string& parent : Value(text).texts()) add_parent(std::move(parent));
    else if (key == "cache.equalMutable") twin_ = Value(text).text();
  }

  // The mutable record that this one shares a directory with: BuildKit lists that alone, and has the size with this. Empty: none.
  const std::string& twin() const { return twin_; }
  engine::CacheRecord finish() {
    if (record_.type.empty()) record_.type = "regular";
    return std::move(record_);
  }

 private:
  static std::optional<Instant> instant(std::string_view text) {
    const std::int64_t nanoseconds = number_in(text);
    if (nanoseconds <= 0) return std::nullopt;
    return Instant(std::chrono::duration_cast<Duration>(std::chrono::nanoseconds(nanoseconds)));
  }
  void add_parent(std::string id) {
    if (!id.empty()) record_.parents.emplace_back(std::move(id));
  }

  engine::CacheRecord record_;
  std::string twin_;
};

using Records = std::vector<engine::CacheRecord>;

Result<Records> read_records(View& view) {
  auto main = view.bucket({"_main"});
  if (!main) return std::move(main).error();
  Records records;
  std::unordered_map<std::string, ByteSize> sizes;  // of mutable ones
  Status done = view.for_each(*main, [&](const BoltEntry& one) -> Status {
    if (!one.bucket) return {};
    Reader reader{std::string(one.key)};
    Status read = view.for_each(*one.bucket, [&](const BoltEntry& entry) -> Status {
      if (!entry.bucket) reader.entry(entry.key, entry.value);
      return {};
    });
    engine::CacheRecord record = reader.finish();
    if (!reader.twin().empty()) sizes[reader.twin()] = record.size;
    else records.push_back(std::move(record));
    return read;
  });
  if (!done) return std::move(done).error();
  for (engine::CacheRecord& record : records)
    if (const auto size = sizes.find(record.id.str()); size != sizes.end()) record.size = size->second;
  return records;
}

}  // namespace

Result<Records> read_cache_records(const std::string& path) {
  auto bolt = Bolt::open(path);
  if (!bolt) return std::move(bolt).error();
  return bolt->read(read_records);
}

Result<Records> read_cache_records(const DataRoot& root, const engine::EngineInfo& engine) {
  const bool graphdriver = engine.store == engine::ImageStore::graphdriver;
  return read_cache_records(root.path() + "/buildkit/" + (graphdriver ? "" : "containerd-" + engine.storage_driver + "/") + "metadata_v2.db");
}

}  // namespace cleanerd::storage
