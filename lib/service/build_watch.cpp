#include "service/build_watch.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

#include "base/text.hpp"
#include "service/process.hpp"
#include "service/setup.hpp"

namespace cleanerd::service {
namespace {

using std::chrono::milliseconds;
using buildkit::BuildEvent;

constexpr milliseconds kFirstRetry{500}, kLongestRetry{10'000};
constexpr milliseconds kProbe{15'000};  // of an engine that tells nothing by itself

class EngineState {
 public:
  explicit EngineState(const EngineSigns& signs) : signs_(signs) {}
  // Another than before: it went and came back unseen.
  void connected(const engine::EngineInfo& now) {
    const std::string identity = now.id + " " + now.version + " " + now.data_root;
    if (identity != identity_) {
      if (up_) set(false);
      spdlog::info("engine version={} driver={} root={}", now.version, now.storage_driver, now.data_root);
      identity_ = identity;
    }
    set(true);
  }
  void set(bool up) {
    if (told_ && up == up_) return;
    told_ = true;
    up_ = up;
    if (signs_.engine) signs_.engine(up);
  }

 private:
  const EngineSigns& signs_;
  bool told_ = false, up_ = false;
  std::string identity_;
};

// Returns when this engine has to be connected to anew.
void follow_builds(const inventory::Host& host, const EngineSigns& signs, EngineState& state, const std::stop_token& stop) {
  buildkit::Watch watch(host.client.endpoint(), host.client.engine().api_max, stop);
  for (;;) {
    auto event = watch.next();
    if (!event) return;
    if (event->kind == BuildEvent::Kind::connected) state.set(true);
    if (event->kind == BuildEvent::Kind::disconnected) state.set(false);
    if (signs.buildkit) signs.buildkit(*event);
  }
}

}  // namespace

void watch_engine(const std::string& host, const policy::Policy& policy, const EngineSigns& signs, std::stop_token stop) {
  EngineState state(signs);
  milliseconds retry = kFirstRetry;
  while (!stop.stop_requested()) {
    auto connected = connect_engine(host, policy, stop);
    if (!connected) {
      if (!stop.stop_requested()) spdlog::warn("engine error={}", printable(connected.error().message(), 300));
      state.set(false);
      pause(retry, stop);
      retry = std::min(retry * 2, kLongestRetry);
      continue;
    }
    retry = kFirstRetry;
    state.connected(connected->client.engine());
    if (connected->history) follow_builds(*connected, signs, state, stop);
    pause(connected->history ? kFirstRetry : kProbe, stop);
  }
}

}  // namespace cleanerd::service
