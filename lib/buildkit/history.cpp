#include "buildkit/history.hpp"

#include <grpcpp/create_channel_posix.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "base/text.hpp"
#include "buildkit/control.grpc.pb.h"
#include "buildkit/upgrade.hpp"

namespace cleanerd::buildkit {
namespace {

namespace pb = moby::buildkit::v1;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr seconds kListing{60};   // the whole list comes from one database
constexpr seconds kDeleting{30};  // blobs' leases are released before the event
constexpr seconds kCompleting{8};  // the trace follows the end of the build after 3 s

Error describe(const grpc::Status& status, const char* step) {
  const Errc code = [&] {
    switch (status.error_code()) {
      case grpc::StatusCode::UNIMPLEMENTED: return Errc::unsupported;
      case grpc::StatusCode::NOT_FOUND: return Errc::not_found;
      case grpc::StatusCode::DEADLINE_EXCEEDED: return Errc::timeout;
      case grpc::StatusCode::UNAVAILABLE: return Errc::unreachable;
      case grpc::StatusCode::CANCELLED: return Errc::cancelled;
      default: return Errc::engine;
    }
  }();
  return Error(code, std::string("build history: ") + step + ": " + printable(status.error_message()));
}

// A stop cancels the call at once.
class Call {
 public:
  Call(const std::stop_token& stop, seconds deadline) : cancel_(stop, [this] { context_.TryCancel(); }) {
    context_.set_deadline(system_clock::now() + deadline);
  }
  grpc::ClientContext& operator*() { return context_; }
  void cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::stop_callback<std::function<void()>> cancel_;
};

std::optional<Instant> instant_of(bool there, const google::protobuf::Timestamp& time) {
  if (!there || time.seconds() <= 0) return std::nullopt;
  return Instant(seconds(time.seconds()) + std::chrono::milliseconds(time.nanos() / 1'000'000));
}

void add_blob(engine::BuildRecord& record, bool there, const pb::Descriptor& descriptor) {
  if (!there || descriptor.digest().empty()) return;
  record.blobs.push_back(descriptor.digest());
  record.size += ByteSize{descriptor.size()};
}

// The result itself is the image's: only what the build tells about it is the record's own.
void add_result(engine::BuildRecord& record, const pb::BuildResultInfo& result) {
  for (const pb::Descriptor& attestation : result.attestations()) add_blob(record, true, attestation);
}

engine::BuildRecord convert(const pb::BuildHistoryRecord& source, bool running) {
  engine::BuildRecord record;
  record.ref = BuildRef(source.ref());
  record.running = running;
  record.created = instant_of(source.has_createdat(), source.createdat());
  record.completed = instant_of(source.has_completedat(), source.completedat());
  record.failed = source.has_error();
  for (const auto& [name, value] : source.frontendattrs()) record.attributes.emplace(name, value);
  record.error = source.error().message();
  add_blob(record, source.has_logs(), source.logs());
  add_blob(record, source.has_trace(), source.trace());
  add_blob(record, source.has_externalerror(), source.externalerror());
  if (source.has_result()) add_result(record, source.result());
  for (const auto& [platform, result] : source.results()) add_result(record, result);
  return record;
}

// The live stream of all builds: what is deleted says so here, and only here.
class Watch {
 public:
  Watch(pb::Control::Stub& stub, const std::stop_token& stop, seconds deadline) : call_(stop, deadline) {
    reader_ = stub.ListenBuildHistory(&*call_, pb::BuildHistoryRequest());
    thread_ = std::thread([this] { run(); });
  }
  ~Watch() {
    call_.cancel();
    thread_.join();
  }

  // False when the stream ended or nothing came within the deadline. BuildKit subscribes before it sends what it has.
  bool wait_for_first_event(seconds deadline) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, deadline, [&] { return began_ || ended_; }) && began_;
  }
  // Until the record has its trace, or is too old to get one.
  void wait_until_complete(const std::string& ref, std::optional<Instant> ended) {
    if (!ended) return;
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, *ended + kCompleting, [&] { return traced_.contains(ref) || ended_; });
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

}  // namespace

class History::Impl {
 public:
  Impl(std::shared_ptr<grpc::Channel> channel, std::stop_token stop_token)
      : stub(pb::Control::NewStub(std::move(channel))), stop(std::move(stop_token)) {}

  Status remove_one(Watch& watch, const BuildRef& ref) {
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
    watch.wait_until_complete(ref.str(), instant_of(event.record().has_completedat(), event.record().completedat()));
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

  std::unique_ptr<pb::Control::Stub> stub;
  std::stop_token stop;
};

History::History(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
History::History(History&&) noexcept = default;
History& History::operator=(History&&) noexcept = default;
History::~History() = default;

Result<std::optional<History>> History::connect(const engine::Endpoint& endpoint, std::stop_token stop) {
  auto descriptor = upgraded_connection(endpoint);
  if (!descriptor && descriptor.error().code() == Errc::unsupported) return std::optional<History>();
  if (!descriptor) return std::move(descriptor).error();
  return std::optional<History>(History(std::make_unique<Impl>(grpc::CreateInsecureChannelFromFd("docker", *descriptor), std::move(stop))));
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

Status History::remove(std::span<const BuildRef> refs, const std::function<void(const BuildRef&, const Status&)>& on_settled) const {
  if (refs.empty()) return {};
  Watch watch(*impl_->stub, impl_->stop, kDeleting * static_cast<int>(refs.size() + 1));
  if (!watch.wait_for_first_event(kDeleting)) {
    if (impl_->stop.stop_requested()) return Error(Errc::cancelled, "interrupted");
    return Error(Errc::unreachable, "build history: BuildKit does not send its events");
  }
  for (const BuildRef& ref : refs) {
    Status status = impl_->remove_one(watch, ref);
    if (!status && (status.error().code() == Errc::cancelled || status.error().code() == Errc::unreachable)) return status;
    on_settled(ref, status);
  }
  return {};
}

}  // namespace cleanerd::buildkit
