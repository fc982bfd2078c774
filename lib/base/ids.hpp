// Identifiers of the engine's objects. Each kind is a type of its own, so that one is never removed in place of another.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace cleanerd {

template <class Tag>
class StrongId {
 public:
  StrongId() = default;
  explicit StrongId(std::string value) : value_(std::move(value)) {}

  const std::string& str() const { return value_; }
  bool empty() const { return value_.empty(); }
  // The engine's own short form: 12 characters, without "sha256:".
  std::string short_form() const {
    std::string_view rest = value_;
    if (rest.starts_with("sha256:")) rest.remove_prefix(7);
    return std::string(rest.substr(0, 12));
  }

  friend auto operator<=>(const StrongId&, const StrongId&) = default;

 private:
  std::string value_;
};

using ImageId = StrongId<struct ImageTag>;          // "sha256:<64 hex>"
using ContainerId = StrongId<struct ContainerTag>;  // 64 hex
using CacheId = StrongId<struct CacheTag>;          // BuildKit's record id, 25 of [a-z0-9]
using VolumeName = StrongId<struct VolumeTag>;      // as its creator called it
using BuildRef = StrongId<struct BuildTag>;         // BuildKit's reference of a build

}  // namespace cleanerd

template <class Tag>
struct std::hash<cleanerd::StrongId<Tag>> {
  std::size_t operator()(const cleanerd::StrongId<Tag>& id) const noexcept {
    return std::hash<std::string>{}(id.str());
  }
};
