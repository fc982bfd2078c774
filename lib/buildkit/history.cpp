#include "buildkit/history.hpp"

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "buildkit/calls.hpp"
#include "buildkit/content.grpc.pb.h"

namespace cleanerd::buildkit {
namespace {

namespace content = containerd::services::content::v1;
using std::chrono::seconds;

constexpr seconds kListing{60};   // the whole list comes from one database
constexpr seconds kDeleting{30};  // blobs' leases are released before the event
// Engine 28. Engine 27 has it in some versions.
constexpr engine::ApiVersion kFinalizes{1, 48};
constexpr seconds kReading{600};   // of one blob
constexpr std::uint64_t kMaxBlob = 4ull << 30;  // logs are cut at some MiB; a provenance holds its Dockerfile

// The live stream of all builds: what is deleted says so here, and only here.
class Events {
 public:
  Events(pb::Control::Stub& stub, const std::stop_token& stop, seconds deadline) : call_(stop, deadline) {
    reader_ = stub.ListenBuildHistory(&*call_, pb::BuildHistoryRequest());
    thread_ = std::thread([this] { run(); });
  }
  ~Events() {
    call_.cancel();
    thread_.join();
  }

  // False when the stream ended or nothing came within the deadline. BuildKit subscribes before it sends what it has.
  bool wait_for_first_event(seconds deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, deadline, [&] { return began_ || ended_; }) && began_;
  }
  // Until the record has its trace, or is too old to get one.
  void wait_until_complete(const std::string& ref, Instant ended) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, ended + kLastTrace, [&] { return traced_.contains(ref) || ended_; });
  }
  bool wait_for_deletion(const std::string& ref, seconds deadline) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, deadline, [&] { return deleted_.contains(ref) || ended_; });
    return deleted_.contains(ref);
  }

 private:
  void run() {
    pb::BuildHistoryEvent event;
    while (reader_->Read(&event)) {
      const std::lock_guard lock(mutex_);
      began_ = true;
      if (event.type() == pb::DELETED) deleted_.insert(event.record().ref());
      if (event.record().has_trace()) traced_.insert(event.record().ref());
      changed_.notify_all();
    }
    reader_->Finish();
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  Call call_;
  std::unique_ptr<grpc::ClientReader<pb::BuildHistoryEvent>> reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> deleted_;
  std::set<std::string> traced_;
  bool began_ = false;
  bool ended_ = false;
  std::thread thread_;
};

class BlobBody final : public engine::Body {
 public:
  BlobBody(content::Content::Stub& stub, const std::string& digest, const std::stop_token& stop) : call_(stop, kReading) {
    content::ReadContentRequest request;
    request.set_digest(digest);
    reader_ = stub.Read(&*call_, request);
  }
  ~BlobBody() override {
    if (!reader_) return;
    call_.cancel();
    reader_->Finish();
  }

  Result<std::string_view> next() override {
    while (reader_ && reader_->Read(&piece_)) {
      size_ += piece_.data().size();
      if (size_ > kMaxBlob) return Error(Errc::too_large, "build history: a blob exceeds " + std::to_string(kMaxBlob >> 30) + " GiB");
      if (!piece_.data().empty()) return std::string_view(piece_.data());
    }
    if (!reader_) return std::string_view();
    const grpc::Status status = reader_->Finish();
    reader_.reset();
    if (!status.ok()) return describe(status, "read a blob");
    return std::string_view();
  }

 private:
  Call call_;
  std::unique_ptr<grpc::ClientReader<content::ReadContentResponse>> reader_;
  content::ReadContentResponse piece_;
  std::uint64_t size_ = 0;
};

}  // namespace

class History::Impl {
 public:
  Impl(const std::shared_ptr<grpc::Channel>& channel, engine::ApiVersion api_max, std::stop_token stop_token)
      : stub(pb::Control::NewStub(channel)),
        blobs(content::Content::NewStub(channel)),
        stop(std::move(stop_token)),
        finalizes(api_max >= kFinalizes) {}

  Status remove_one(Events& watch, const BuildRef& ref, Traces traces) {
    // Held open until the deletion has been asked for: its end is what makes BuildKit carry it out.
    Call hold(stop, kDeleting);
    pb::BuildHistoryRequest only_this;
    only_this.set_ref(ref.str());
    auto reader = stub->ListenBuildHistory(&*hold, only_this);
    pb::BuildHistoryEvent event;
    if (!reader->Read(&event)) {
      const grpc::Status status = reader->Finish();
      if (stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
      return describe(status.ok() ? grpc::Status(grpc::StatusCode::NOT_FOUND, "the record is gone") : status, "hold a record");
    }
    const auto ended = instant_of(event.record().has_completedat(), event.record().completedat());
    if (ended && !event.record().has_trace()) {
      // On a busy disk the trace of an older one can still be on its way.
      const bool is_young = system_now() < *ended + kLastTrace;
      const bool finalized = (is_young || finalizes) && finalize(ref);
      if (is_young && !(finalized && finalizes)) expect_trace(watch, ref, *ended, traces);
    }
    Call call(stop, kDeleting);
    pb::UpdateBuildHistoryRequest request;
    request.set_ref(ref.str());
    request.set_delete_(true);
    pb::UpdateBuildHistoryResponse response;
    const grpc::Status asked = stub->UpdateBuildHistory(&*call, request, &response);
    hold.cancel();
    while (reader->Read(&event)) {
    }
    reader->Finish();
    if (!asked.ok()) return describe(asked, "delete a record");
    if (watch.wait_for_deletion(ref.str(), kDeleting)) return {};
    if (stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
    return Error(Errc::conflict, "build history: BuildKit accepted the deletion and did not carry it out; a restart of the engine lets it go");
  }

  void expect_trace(Events& watch, const BuildRef& ref, Instant ended, Traces traces) {
    if (traces == Traces::waited_for) watch.wait_until_complete(ref.str(), ended);
    else traces_until = std::max(traces_until.value_or(Instant::min()), ended + kLastTrace);
  }

  // The targets of one bake share a trace: that of one which stays tells the others' steps, arguments and all, and may still be on its way.
  Status expect_traces_of_others(Events& watch, std::span<const engine::BuildRecord> records, std::span<const BuildRef> removed, Traces traces) {
    for (const engine::BuildRecord& record : records) {
      if (stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
      const bool is_young = record.completed && system_now() < *record.completed + kLastTrace;
      if (record.running || !is_young || record.has_trace || std::ranges::find(removed, record.ref) != removed.end()) continue;
      if (finalizes && finalize(record.ref)) continue;
      expect_trace(watch, record.ref, *record.completed, traces);
    }
    return {};
  }

  // A deletion is told before it is carried out, under a lock that every listener takes first.
  Status wait_until_carried_out() {
    Call call(stop, kDeleting);
    pb::BuildHistoryRequest request;
    request.set_activeonly(true);
    request.set_earlyexit(true);
    auto reader = stub->ListenBuildHistory(&*call, request);
    pb::BuildHistoryEvent event;
    while (reader->Read(&event)) {
    }
    const grpc::Status status = reader->Finish();
    if (stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
    return status.ok() ? Status() : describe(status, "wait for a deletion");
  }

  // Has BuildKit write the trace now, for which it waits 3 s otherwise; where it has done so there comes none after this, and there need not
  // be one. Older ones take this for a request to unpin.
  bool finalize(const BuildRef& ref) {
    Call call(stop, kDeleting);
    pb::UpdateBuildHistoryRequest request;
    request.set_ref(ref.str());
    request.set_finalize(true);
    pb::UpdateBuildHistoryResponse response;
    return stub->UpdateBuildHistory(&*call, request, &response).ok();
  }

  std::unique_ptr<pb::Control::Stub> stub;
  std::unique_ptr<content::Content::Stub> blobs;
  std::stop_token stop;
  bool finalizes;
  std::optional<Instant> traces_until{};  // of those removed last
};

History::History(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
History::History(History&&) noexcept = default;
History& History::operator=(History&&) noexcept = default;
History::~History() = default;

Result<std::optional<History>> History::connect(const engine::Endpoint& endpoint, engine::ApiVersion api_max, std::stop_token stop) {
  auto channel = open_channel(endpoint, api_max);
  if (!channel && channel.error().code() == Errc::unsupported) return std::optional<History>();
  if (!channel) return std::move(channel).error();
  return std::optional<History>(History(std::make_unique<Impl>(*channel, api_max, std::move(stop))));
}

Result<std::vector<engine::BuildRecord>> History::list() const {
  Call call(impl_->stop, kListing);
  pb::BuildHistoryRequest request;
  request.set_earlyexit(true);
  auto reader = impl_->stub->ListenBuildHistory(&*call, request);
  std::vector<engine::BuildRecord> records;
  pb::BuildHistoryEvent event;
  while (reader->Read(&event)) {
    const bool running = event.type() == pb::STARTED;
    const BuildRef ref(event.record().ref());
    // A build that ends between the two parts of the list is in both.
    std::erase_if(records, [&](const engine::BuildRecord& known) { return known.running && known.ref == ref; });
    records.push_back(convert(event.record(), running));
  }
  const grpc::Status status = reader->Finish();
  if (impl_->stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
  // 20.10 and 23 have the service and not the method.
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) return std::vector<engine::BuildRecord>();
  if (!status.ok()) return describe(status, "list");
  return records;
}

Status History::read_blob(const std::string& digest, const std::function<Status(engine::Body&)>& consume) const {
  BlobBody body(*impl_->blobs, digest, impl_->stop);
  Status done = consume(body);
  if (!done && impl_->stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
  return done;
}

Result<std::optional<Instant>> History::remove(std::span<const BuildRef> refs, Traces traces,
                                               const std::function<void(const BuildRef&, const Status&)>& on_settled) const {
  impl_->traces_until.reset();
  if (refs.empty()) return impl_->traces_until;
  Events watch(*impl_->stub, impl_->stop, kDeleting * static_cast<int>(refs.size() + 1));
  if (!watch.wait_for_first_event(kDeleting)) {
    if (impl_->stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
    return Error(Errc::unreachable, "build history: BuildKit does not send its events");
  }
  for (const BuildRef& ref : refs) {
    Status status = impl_->remove_one(watch, ref, traces);
    if (!status && (status.error().code() == Errc::cancelled || status.error().code() == Errc::unreachable)) return std::move(status).error();
    on_settled(ref, status);
  }
  if (Status done = impl_->wait_until_carried_out(); !done) return std::move(done).error();
  auto others = list();
  if (!others) return std::move(others).error();
  if (Status done = impl_->expect_traces_of_others(watch, *others, refs, traces); !done) return std::move(done).error();
  return impl_->traces_until;
}

bool History::writes_traces_late() const { return !impl_->finalizes; }

}  // namespace cleanerd::buildkit
