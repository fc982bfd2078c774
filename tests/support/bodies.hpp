// Response bodies without a socket.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/body.hpp"

namespace cleanerd::test {

// Hands its parts over one by one, then ends, or fails with `error`.
class PartsBody final : public engine::Body {
 public:
  explicit PartsBody(std::vector<std::string> parts, std::optional<Error> error = std::nullopt)
      : parts_(std::move(parts)), error_(std::move(error)) {}

  Result<std::string_view> next() override {
    while (at_ < parts_.size()) {
      current_ = parts_[at_++];
      if (!current_.empty()) return std::string_view(current_);
    }
    if (error_) return *error_;
    return std::string_view();
  }

 private:
  std::vector<std::string> parts_;
  std::optional<Error> error_;
  std::string current_;  // a copy, so that a view kept too long is caught by the sanitizers
  std::size_t at_ = 0;
};

// `head`, then `filler` again and again up to `bytes`, then the end.
class LongBody final : public engine::Body {
 public:
  LongBody(std::string head, std::string filler, std::size_t bytes)
      : head_(std::move(head)), filler_(std::move(filler)), left_(bytes) {
    while (filler_.size() < 4096) filler_ += filler_;
  }
  Result<std::string_view> next() override {
    if (!head_.empty()) {
      current_ = std::exchange(head_, "");
      return std::string_view(current_);
    }
    const std::size_t size = std::min(left_, filler_.size());
    left_ -= size;
    return std::string_view(filler_).substr(0, size);
  }

 private:
  std::string head_, filler_, current_;
  std::size_t left_;
};

}  // namespace cleanerd::test
