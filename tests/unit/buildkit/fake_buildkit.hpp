// BuildKit's services on a Unix socket that speaks HTTP/2 directly, as engines from 29.2 on do.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "buildkit/content.grpc.pb.h"
#include "buildkit/control.grpc.pb.h"
#include "support/files.hpp"

namespace cleanerd::test {

namespace pb = moby::buildkit::v1;
namespace content = containerd::services::content::v1;

// Keeps BuildKit's rules as far as they concern a client: who listens gets what runs, what has ended, then what happens.
class FakeBuildkit final : public pb::Control::Service, public content::Content::Service {
 public:
  FakeBuildkit() : path_(directory_.path() / "docker.sock") { start(); }
  ~FakeBuildkit() override { stop(); }

  const std::string& path() const { return path_; }

  void start() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + path_, grpc::InsecureServerCredentials());
    builder.RegisterService(static_cast<pb::Control::Service*>(this));
    builder.RegisterService(static_cast<content::Content::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  // All connections end at once.
  void stop() {
    if (!server_) return;
    server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
    std::filesystem::remove(path_);
  }

  void build_starts(const std::string& ref) {
    publish(pb::STARTED, record(ref), [&] { active_[ref] = record(ref); });
  }
  // Told twice, as BuildKit does when the trace follows.
  void build_ends(const std::string& ref, const pb::BuildHistoryRecord& ended) {
    for (int i = 0; i < 2; ++i) {
      publish(pb::COMPLETE, ended, [&] {
        active_.erase(ref);
        stored_[ref] = ended;
      });
    }
  }
  // As a power cut does: what ran has never been.
  void forget_active() {
    const std::lock_guard lock(mutex_);
    active_.clear();
  }
  // The trace of this one is on its way until it is asked for.
  void write_trace_when_asked(const std::string& ref) {
    const std::lock_guard lock(mutex_);
    awaiting_trace_.insert(ref);
  }
  std::set<std::string> awaiting_trace() const {
    const std::lock_guard lock(mutex_);
    return awaiting_trace_;
  }
  void refuse_to_finalize() { finalizes_ = false; }
  // The event of a deletion goes out this long before the record does; whoever asks meanwhile waits.
  void delete_in(std::chrono::milliseconds time) { deleting_takes_ = time; }
  bool keeps(const std::string& ref) const {
    const std::lock_guard lock(mutex_);
    return stored_.contains(ref);
  }
  void add_blob(const std::string& digest, std::string bytes) {
    const std::lock_guard lock(mutex_);
    blobs_[digest] = std::move(bytes);
  }
  void wait_for_listener() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !listeners_.empty(); });
  }

  static pb::BuildHistoryRecord record(const std::string& ref) {
    pb::BuildHistoryRecord made;
    made.set_ref(ref);
    made.mutable_createdat()->set_seconds(1'000);
    return made;
  }
  static pb::BuildHistoryRecord ended(const std::string& ref) {
    pb::BuildHistoryRecord made = record(ref);
    made.mutable_completedat()->set_seconds(1'060);
    return made;
  }

 private:
  struct Listener {
    std::string ref;
    std::vector<pb::BuildHistoryEvent> events;
  };

  template <class Change>
  void publish(pb::BuildHistoryEventType type, const pb::BuildHistoryRecord& about, const Change& change) {
    const std::lock_guard lock(mutex_);
    change();
    send(type, about);
  }
  void send(pb::BuildHistoryEventType type, const pb::BuildHistoryRecord& about) {
    for (Listener& listener : listeners_)
      if (listener.ref.empty() || listener.ref == about.ref()) add(listener, type, about);
    changed_.notify_all();
  }
  static void add(Listener& listener, pb::BuildHistoryEventType type, const pb::BuildHistoryRecord& about) {
    pb::BuildHistoryEvent& event = listener.events.emplace_back();
    event.set_type(type);
    *event.mutable_record() = about;
  }

  grpc::Status ListenBuildHistory(grpc::ServerContext* context, const pb::BuildHistoryRequest* request,
                                  grpc::ServerWriter<pb::BuildHistoryEvent>* out) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !deleting_; });
    const auto me = listeners_.insert(listeners_.end(), Listener{request->ref(), {}});
    for (const auto* all : {&active_, &stored_})
      for (const auto& [ref, about] : *all)
        if (request->ref().empty() || request->ref() == ref) add(*me, all == &active_ ? pb::STARTED : pb::COMPLETE, about);
    changed_.notify_all();
    for (;;) {
      for (const pb::BuildHistoryEvent& event : std::exchange(me->events, {})) out->Write(event);
      if (request->earlyexit() || context->IsCancelled()) break;
      changed_.wait_for(lock, std::chrono::milliseconds(10));
    }
    listeners_.erase(me);
    // What is read by somebody is deleted when that ends.
    if (to_delete_.erase(request->ref()) != 0) remove(request->ref(), lock);
    return grpc::Status::OK;
  }

  grpc::Status UpdateBuildHistory(grpc::ServerContext*, const pb::UpdateBuildHistoryRequest* request, pb::UpdateBuildHistoryResponse*) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !deleting_; });
    if (request->finalize() && !finalizes_) return {grpc::StatusCode::UNIMPLEMENTED, "no finalizing"};
    if (request->finalize()) {
      awaiting_trace_.erase(request->ref());
      return grpc::Status::OK;
    }
    if (!request->delete_()) return {grpc::StatusCode::INVALID_ARGUMENT, "only deletions"};
    const bool is_read = std::ranges::any_of(listeners_, [&](const Listener& listener) { return listener.ref == request->ref(); });
    if (is_read) to_delete_[request->ref()];
    else remove(request->ref(), lock);
    return grpc::Status::OK;
  }

  void remove(const std::string& ref, std::unique_lock<std::mutex>& lock) {
    const auto found = stored_.find(ref);
    if (found == stored_.end()) return;
    deleting_ = true;
    send(pb::DELETED, found->second);
    lock.unlock();
    std::this_thread::sleep_for(deleting_takes_);
    lock.lock();
    stored_.erase(ref);
    deleting_ = false;
    changed_.notify_all();
  }

  grpc::Status Read(grpc::ServerContext*, const content::ReadContentRequest* request, grpc::ServerWriter<content::ReadContentResponse>* out) override {
    const std::lock_guard lock(mutex_);
    const auto found = blobs_.find(request->digest());
    if (found == blobs_.end()) return {grpc::StatusCode::NOT_FOUND, "content: not found"};
    for (std::size_t at = 0; at < found->second.size(); at += 1000) {
      content::ReadContentResponse piece;
      piece.set_offset(static_cast<std::int64_t>(at));
      piece.set_data(found->second.substr(at, 1000));
      out->Write(piece);
    }
    return grpc::Status::OK;
  }

  TempDir directory_;
  std::string path_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, pb::BuildHistoryRecord> active_, stored_;
  std::map<std::string, bool> to_delete_;
  std::map<std::string, std::string> blobs_;
  std::set<std::string> awaiting_trace_;
  std::list<Listener> listeners_;
  std::chrono::milliseconds deleting_takes_{0};
  bool deleting_ = false, finalizes_ = true;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace cleanerd::test
