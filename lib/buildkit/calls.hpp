// What the calls of BuildKit's services share. Internal to the library.
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/result.hpp"
#include "buildkit/control.grpc.pb.h"
#include "engine/endpoint.hpp"
#include "engine/types.hpp"

namespace cleanerd::buildkit {

namespace pb = moby::buildkit::v1;

// A channel of one connection: once that breaks, another is needed. As `control_connection` fails.
Result<std::shared_ptr<grpc::Channel>> open_channel(const engine::Endpoint& endpoint, engine::ApiVersion api_max);

Error describe(const grpc::Status& status, const char* step);

std::optional<Instant> instant_of(bool there, const google::protobuf::Timestamp& time);
engine::BuildRecord convert(const pb::BuildHistoryRecord& source, bool running);

// A stop cancels the call at once.
class Call {
 public:
  explicit Call(const std::stop_token& stop) : cancel_(stop, [this] { context_.TryCancel(); }) {}
  Call(const std::stop_token& stop, std::chrono::seconds deadline) : Call(stop) {
    context_.set_deadline(std::chrono::system_clock::now() + deadline);
  }
  grpc::ClientContext& operator*() { return context_; }
  void cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::stop_callback<std::function<void()>> cancel_;
};

}  // namespace cleanerd::buildkit
