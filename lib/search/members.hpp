// What a container of bytes holds, searched member by member. Internal to the library.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "match/unpack.hpp"
#include "search/names.hpp"
#include "search/read_places.hpp"
#include "search/streams.hpp"

namespace cleanerd::search {

class Members final : public match::UnpackSink {
 public:
  Members(Streams& streams, Collected& into, const ReadOptions& options) : streams_(streams), names_(streams), into_(into), options_(options) {}
  ~Members() override { names_.search(into_); }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

  void begin(const std::string& path) override { streams_.begin(path, into_); }
  void bytes(std::span<const char> bytes) override { streams_.append(bytes); }
  void end() override { into_.add_bytes(streams_.finish()); }
  void name(const std::string& path, std::string_view name) override { names_.add(path, name, into_); }
  void unread(const std::string& path, const std::string& reason) override {
    whole = false;
    into_.add_unread(path, reason);
  }
  void damaged(const std::string& path) override {
    whole = false;
    if (path.empty()) broken_off = true;
  }
  bool cancelled() override { return options_.stop.stop_requested(); }

  bool whole = true;
  bool broken_off = false;  // of a stream, which has no name

 private:
  Streams& streams_;
  Names names_;
  Collected& into_;
  const ReadOptions& options_;
};

}  // namespace cleanerd::search
