#include "buildkit/watch.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>

#include "buildkit/calls.hpp"

namespace cleanerd::buildkit {
namespace {

using std::chrono::milliseconds;

// A restart of the engine takes a second or more; one that stays away is asked every five.
constexpr milliseconds kShortestPause{100}, kLongestPause{5000};
constexpr std::chrono::seconds kListing{60};

using Reader = std::unique_ptr<grpc::ClientReader<pb::BuildHistoryEvent>>;

}  // namespace

class Watch::Impl {
 public:
  Impl(engine::Endpoint endpoint, engine::ApiVersion api_max, std::stop_token stop)
      : endpoint_(std::move(endpoint)), api_max_(api_max), stop_(std::move(stop)) {}
  ~Impl() { disconnect(); }

  Result<BuildEvent> next() {
    while (queue_.empty()) {
      if (stop_.stop_requested()) return Error(Errc::cancelled, "interrupted");
      if (Status went_on = reader_ ? read() : connect(); !went_on) return std::move(went_on).error();
    }
    BuildEvent event = std::move(queue_.front());
    queue_.pop_front();
    return event;
  }

 private:
  using Kind = BuildEvent::Kind;

  Status connect() {
    auto channel = open_channel(endpoint_, api_max_);
    if (!channel) {
      if (channel.error().code() == Errc::unsupported) return std::move(channel).error();
      wait();
      return {};
    }
    stub_ = pb::Control::NewStub(std::move(*channel));
    // BuildKit subscribes before it sends what it knows: between the two nothing is missed.
    call_ = std::make_unique<Call>(stop_);
    reader_ = stub_->ListenBuildHistory(&**call_, pb::BuildHistoryRequest());
    auto known = list();
    if (!known) {
      const Errc code = known.error().code();
      disconnect();
      if (code == Errc::unsupported) return std::move(known).error();
      wait();
      return {};
    }
    pause_ = kShortestPause;
    connected_ = true;
    queue_.push_back({Kind::connected});
    for (const std::string& ref : std::exchange(running_, std::set<std::string>(running_))) {
      if (known->contains(ref)) continue;
      running_.erase(ref);
      tell(Kind::lost, ref);
    }
    std::erase_if(completed_, [&](const std::string& ref) { return !known->contains(ref); });
    return {};
  }

  Result<std::set<std::string>> list() {
    Call call(stop_, kListing);
    pb::BuildHistoryRequest request;
    request.set_earlyexit(true);
    auto reader = stub_->ListenBuildHistory(&*call, request);
    std::set<std::string> refs;
    pb::BuildHistoryEvent event;
    while (reader->Read(&event)) refs.insert(event.record().ref());
    const grpc::Status status = reader->Finish();
    if (!status.ok()) return describe(status, "watch");
    return refs;
  }

  Status read() {
    pb::BuildHistoryEvent event;
    if (reader_->Read(&event)) {
      take(event);
      return {};
    }
    disconnect();
    if (std::exchange(connected_, false) && !stop_.stop_requested()) queue_.push_back({Kind::disconnected});
    wait();
    return {};
  }

  void take(const pb::BuildHistoryEvent& event) {
    const std::string& ref = event.record().ref();
    switch (event.type()) {
      case pb::STARTED:
        if (!completed_.contains(ref) && running_.insert(ref).second) queue_.push_back({Kind::started, convert(event.record(), true)});
        break;
      case pb::COMPLETE:  // comes a second time when the record has its trace
        running_.erase(ref);
        if (completed_.insert(ref).second) queue_.push_back({Kind::completed, convert(event.record(), false)});
        break;
      case pb::DELETED:
        running_.erase(ref);
        completed_.erase(ref);
        tell(Kind::removed, ref);
        break;
      default: break;
    }
  }

  void tell(Kind kind, const std::string& ref) {
    BuildEvent event{kind};
    event.record.ref = BuildRef(ref);
    queue_.push_back(std::move(event));
  }

  void disconnect() {
    if (!reader_) return;
    call_->cancel();
    pb::BuildHistoryEvent rest;
    while (reader_->Read(&rest)) {
    }
    reader_->Finish();
    reader_.reset();
    call_.reset();
    stub_.reset();
  }

  void wait() {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait_for(lock, stop_, pause_, [] { return false; });
    pause_ = std::min(pause_ * 2, kLongestPause);
  }

  engine::Endpoint endpoint_;
  engine::ApiVersion api_max_;
  std::stop_token stop_;
  milliseconds pause_ = kShortestPause;
  bool connected_ = false;
  std::deque<BuildEvent> queue_;
  std::set<std::string> running_, completed_;
  std::unique_ptr<pb::Control::Stub> stub_;
  std::unique_ptr<Call> call_;
  Reader reader_;
};

Watch::Watch(engine::Endpoint endpoint, engine::ApiVersion api_max, std::stop_token stop)
    : impl_(std::make_unique<Impl>(std::move(endpoint), api_max, std::move(stop))) {}
Watch::Watch(Watch&&) noexcept = default;
Watch& Watch::operator=(Watch&&) noexcept = default;
Watch::~Watch() = default;

Result<BuildEvent> Watch::next() { return impl_->next(); }

}  // namespace cleanerd::buildkit
