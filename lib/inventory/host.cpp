#include "inventory/host.hpp"

namespace cleanerd::inventory {

bool keeps_build_history(const engine::EngineInfo& engine) { return engine.api_max >= engine::ApiVersion{1, 43}; }
bool may_hide_build_history(const engine::EngineInfo& engine) { return engine.api_max >= engine::ApiVersion{1, 53}; }

Result<Host> Host::connect(const engine::Endpoint& endpoint, engine::ClientOptions options) {
  const std::stop_token stop = options.stop;
  auto client = engine::Client::connect(endpoint, std::move(options));
  if (!client) return std::move(client).error();
  if (!keeps_build_history(client->engine())) return Host{std::move(*client), std::nullopt};
  auto history = buildkit::History::connect(endpoint, client->engine().api_max, stop);
  if (!history) return std::move(history).error();
  return Host{std::move(*client), std::move(*history)};
}

}  // namespace cleanerd::inventory
