#include "storage/layer_references.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/text.hpp"
#include "storage/bbolt.hpp"
#include "storage/beneath.hpp"
#include "storage/place_list.hpp"

namespace cleanerd::storage {
namespace {

class References {
 public:
  explicit References(const std::string& root) : root_(root), layers_(root + "/overlay2"), image_(root + "/image/overlay2") {}

  Result<std::set<std::string>> read() {
    for (const char* folder : {"/layerdb/sha256", "/layerdb/tmp", "/layerdb/mounts"})
      for_each_in(image_ + folder, [&](const std::string& entry) {
        for (const char* word : {"/cache-id", "/mount-id", "/init-id"}) take_word(entry + word);
      });
    snapshots();
    for_each_in(layers_, [&](const std::string& entry) { lower(entry + "/lower"); });
    if (failed_) return std::move(*failed_);
    std::set<std::string> all = names_;
    for (const std::string& name : names_) all.insert(name + "-init");
    return all;
  }

 private:
  void fail(Error error) {
    if (!failed_ && error.code() != Errc::not_found) failed_ = std::move(error);
  }

  template <class Visit>
  void for_each_in(const std::string& path, const Visit& visit) {
    const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return fail(file_error(path, errno));
    const auto names = names_beneath(directory);
    if (!names) return fail(file_error(path, errno));
    for (const std::string& name : *names) visit(path + "/" + name);
  }

  std::optional<std::string> text_of(const std::string& path) {
    auto text = read_small_file(path, 1u << 20);
    if (text) return std::move(*text);
    // An entry of another kind, such as the folder of links, has no such file.
    if (text.error().code() != Errc::not_found && exists(path)) fail(std::move(text).error());
    return std::nullopt;
  }

  void take_word(const std::string& path) {
    if (const auto text = text_of(path)) names_.insert(std::string(trim(*text)));
  }

  void snapshots() {
    const std::string path = root_ + "/buildkit/snapshots.db";
    auto bolt = Bolt::open(path);
    if (!bolt) return fail(std::move(bolt).error());
    using Names = std::set<std::string>;
    auto names = bolt->read([](View& view) -> Result<Names> {
      Names found;
      auto done = view.for_each_deep([&](std::span<const std::string> where, const BoltEntry& entry) -> Status {
        if (where.empty() && entry.bucket) found.emplace(entry.key);
        if (where.size() == 1 && entry.key == "committed") found.emplace(entry.value);
        return {};
      });
      if (!done) return std::move(done).error();
      return found;
    });
    if (!names) return fail(std::move(names).error());
    names_.merge(*names);
  }

  // "l/<link>:l/<link>"; each leads to ../<name>/diff.
  void lower(const std::string& path) {
    const auto text = text_of(path);
    if (!text) return;
    for (const std::string& part : split(trim(*text), ':')) {
      const std::string link = layers_ + "/" + part;
      std::array<char, 512> buffer{};
      const ssize_t size = ::readlink(link.c_str(), buffer.data(), buffer.size());
      if (size < 0 && errno == ENOENT) continue;
      if (size < 0) return fail(file_error(link, errno));
      const std::vector<std::string> parts = split(std::string_view(buffer.data(), static_cast<std::size_t>(size)), '/');
      if (parts.size() != 3 || parts[0] != "..") return fail(Error(Errc::protocol, link + ": not a link to a layer"));
      names_.insert(parts[1]);
    }
  }

  const std::string& root_;
  std::string layers_, image_;
  std::set<std::string> names_;
  std::optional<Error> failed_;
};

}  // namespace

Result<std::set<std::string>> layer_references(const std::string& root, const std::string& driver) {
  if (driver != "overlay2") return Error(Errc::unsupported, "what refers to the layers of " + driver + " is not known");
  return References(root).read();
}

bool is_layer_name(std::string_view name) {
  if (name.ends_with("-init")) name.remove_suffix(5);
  return is_hex_id(name) || (name.size() == 25 && name.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == std::string_view::npos);
}

}  // namespace cleanerd::storage
