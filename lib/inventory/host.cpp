#include "inventory/host.hpp"

#include "storage/data_root.hpp"

namespace cleanerd::inventory {
namespace {

// A process that is younger than this may have taken the place of the one that was asked.
constexpr std::chrono::seconds kYoung{2};

void remember(Memory& memory, const engine::Client& client, Instant asked) {
  memory.engine.reset();
  const auto root = storage::DataRoot::open(client.engine(), client.endpoint());
  const auto process = root ? root->process() : std::nullopt;
  if (process && process->started + kYoung < asked)
    memory.engine = {client.endpoint().socket_path, root->path_of_engine(), client.engine(), *process};
}

Result<engine::Client> connect_client(const engine::Endpoint& endpoint, engine::ClientOptions options, Memory* memory) {
  if (memory && memory->engine && memory->engine->socket_path == endpoint.socket_path) {
    const auto is_the_same = [&] {
      const auto process = storage::engine_process(endpoint.socket_path, memory->engine->data_root);
      return process && process->is_same_as(memory->engine->process);
    };
    if (is_the_same()) {
      auto again = engine::Client::connect_again(endpoint, memory->engine->info, options);
      if (!again && again.error().code() != Errc::conflict) return again;
      if (again && is_the_same()) return again;  // a successor may have answered
    }
  }
  const Instant asked = system_now();
  auto client = engine::Client::connect(endpoint, std::move(options));
  if (client && memory) remember(*memory, *client, asked);
  return client;
}

}  // namespace

bool keeps_build_history(const engine::EngineInfo& engine) { return engine.api_max >= engine::ApiVersion{1, 43}; }
bool may_hide_build_history(const engine::EngineInfo& engine) { return engine.api_max >= engine::ApiVersion{1, 53}; }

Result<Host> Host::connect(const engine::Endpoint& endpoint, engine::ClientOptions options, std::shared_ptr<Memory> memory) {
  const std::stop_token stop = options.stop;
  auto client = connect_client(endpoint, std::move(options), memory.get());
  if (!client) return std::move(client).error();
  if (!keeps_build_history(client->engine())) return Host{std::move(*client), std::nullopt, std::move(memory)};
  auto history = buildkit::History::connect(endpoint, client->engine().api_max, stop);
  if (!history) return std::move(history).error();
  return Host{std::move(*client), std::move(*history), std::move(memory)};
}

}  // namespace cleanerd::inventory
