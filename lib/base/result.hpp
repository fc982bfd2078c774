// Result<T>: a value or an Error, with std::expected's vocabulary; to be replaced by it when the base is GCC 13.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace cleanerd {

enum class Errc {
  usage,        // the command line is wrong; the person corrects it
  config,       // a configuration file is wrong; the person corrects it
  unreachable,  // no engine answers on the socket; a retry helps once it runs
  permission,   // the socket of the engine or of the service may not be used by this user; a file is ::io
  timeout,      // no answer within the deadline; a retry may help
  protocol,     // the answer is not what the API promises
  too_large,    // the answer exceeds a limit
  engine,       // the engine answered with an error (its message is in ours)
  not_found,    // 404: the object is gone
  conflict,     // 409: the object is in use
  unsupported,  // the engine or this build lacks it
  cancelled,    // the person interrupted
  io,           // a file of our own cannot be read or written
};

// The one-line message carries what happened, where, and what the person can do; never a secret.
class Error {
 public:
  Error(Errc code, std::string message) : code_(code), message_(std::move(message)) {}

  Errc code() const { return code_; }
  const std::string& message() const { return message_; }

  // Adds what was being done: "list images: …".
  Error within(std::string_view step) && {
    message_ = std::string(step) + ": " + message_;
    return std::move(*this);
  }

 private:
  Errc code_;
  std::string message_;
};

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  Error& error() & { return std::get<1>(state_); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

  T value_or(T other) && { return has_value() ? std::move(*this).value() : std::move(other); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : state_(std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  const Error& error() const& { return std::get<1>(state_); }
  Error&& error() && { return std::get<1>(std::move(state_)); }

 private:
  std::variant<std::monostate, Error> state_;
};

using Status = Result<void>;

}  // namespace cleanerd
