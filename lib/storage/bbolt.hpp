// Reads bbolt databases (BuildKit's, containerd's, libnetwork's) that another process has open and writes to: without a lock,
// which would make that process wait, and with nothing taken from a state that never was.
#pragma once

#include <chrono>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>

#include "base/result.hpp"
#include "storage/bbolt_free.hpp"
#include "storage/bbolt_pages.hpp"

namespace cleanerd::storage {

// A place in a View. Means nothing in another one.
struct Bucket {
  bbolt::PageId root = 0;
  std::string inline_page;  // of a small bucket, with root 0
};

struct BoltEntry {
  std::string_view key;
  std::string_view value;         // empty for a bucket
  std::optional<Bucket> bucket;
};

// All that one transaction left, read page by page. Until `Bolt::read` has looked whether a writer came by, what it
// returns may be wrong, or an error that is none; it is never a crash or an endless loop. For one thread.
class View {
 public:
  // Views end with the call. An error ends the iteration and is handed on.
  using Visit = std::function<Status(const BoltEntry&)>;
  using VisitDeep = std::function<Status(std::span<const std::string> path, const BoltEntry&)>;

  enum class PageUse { meta, freelist, tree };
  struct PageRange {
    bbolt::PageId first = 0;
    bbolt::PageId count = 0;
    PageUse use = PageUse::tree;
    const bbolt::Node* node = nullptr;  // of a tree; ends with the call
  };
  using VisitPages = std::function<Status(const PageRange&)>;

  const bbolt::Meta& meta() const { return pages_.meta(); }
  std::uint64_t txid() const { return pages_.meta().txid; }
  std::uint32_t page_size() const { return pages_.meta().page_size; }
  bbolt::PageId page_count() const { return pages_.meta().high_water; }

  Bucket root() const { return {pages_.meta().root, {}}; }
  // Errc::not_found when there is no such bucket.
  Result<Bucket> bucket(std::initializer_list<std::string_view> path) { return bucket(root(), path); }
  Result<Bucket> bucket(const Bucket& from, std::initializer_list<std::string_view> path);

  // nullopt when there is no such key, or a bucket of that name.
  Result<std::optional<std::string>> get(const Bucket& bucket, std::string_view key);

  // The entries of one bucket in the order of their keys.
  Status for_each(const Bucket& bucket, const Visit& visit);

  // Every entry of every bucket, a bucket before what is in it. Finds each page used once at most, or says Errc::protocol.
  Status for_each_deep(const VisitDeep& visit);

  // Every page that this transaction needs, in no order; what is below page_count() and not among them is free.
  // The same check as for_each_deep.
  Status for_each_page(const VisitPages& visit);

  // The bytes that nothing in the database means (bbolt_free.hpp).
  Result<bbolt::FreeBytes> free_bytes();

 private:
  friend class Bolt;
  View(std::shared_ptr<const bbolt::File> file, const bbolt::Meta& meta) : pages_(std::move(file), meta) {}
  Result<std::optional<BoltEntry>> find(const Bucket& bucket, std::string_view key, std::string& held);

  bbolt::Pages pages_;
};

class Bolt {
 public:
  static Result<Bolt> open(const std::string& path);
  static Bolt adopt(Descriptor file, std::string name);

  // Calls `look(View&)`, which returns a Result, with the newest state; anew when a writer has committed meanwhile, so it
  // must begin from nothing. Errc::conflict when the database changes faster than it can be read.
  //
  // That a state which is still the newest was read whole: a transaction writes only to pages that the one before it does
  // not use (db.freePages, tx.write), and its meta page after all others (tx.Commit).
  template <class Look>
  std::invoke_result_t<Look&, View&> read(Look look) const {
    for (int attempt = 1;; ++attempt) {
      auto meta = bbolt::newest_meta(*file_);
      if (!meta) return std::move(meta).error();
      View view(file_, *meta);
      auto answer = look(view);
      if (still_newest(*meta)) return answer;
      if (attempt == kAttempts) return busy();
      std::this_thread::sleep_for(std::chrono::milliseconds(attempt));
    }
  }

 private:
  explicit Bolt(bbolt::File file) : file_(std::make_shared<const bbolt::File>(std::move(file))) {}
  bool still_newest(const bbolt::Meta& meta) const;
  Error busy() const;

  // Half a second of waiting in all. A commit with its two fdatasyncs takes milliseconds, a read of a few megabytes one or two.
  static constexpr int kAttempts = 30;
  std::shared_ptr<const bbolt::File> file_;
};

}  // namespace cleanerd::storage
