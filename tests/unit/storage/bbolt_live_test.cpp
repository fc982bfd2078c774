#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "unit/storage/bbolt_support.hpp"

namespace cleanerd::storage {
namespace {

using test::BoltWriter;
using test::Element;

// Commits as bbolt does: pages that the state before does not use first, its meta page last. Every value is the
// transaction's number, so a mixture of two states shows.
class LiveWriter {
 public:
  static constexpr std::uint32_t kPage = 1024;
  static constexpr std::uint64_t kLeaves = 40;

  LiveWriter() : file_(test::memory_file(std::string(kPage * (4 + 2 * (kLeaves + 1)), '\0'))) {
    commit(1);
    commit(2);
  }
  ~LiveWriter() { ::close(file_); }
  LiveWriter(const LiveWriter&) = delete;
  LiveWriter& operator=(const LiveWriter&) = delete;

  Bolt reader() const { return Bolt::adopt(Descriptor(::dup(file_)), "live.db"); }

  void commit(std::uint64_t txid) {
    const std::uint64_t first = 4 + txid % 2 * (kLeaves + 1);
    std::vector<Element> branch;
    for (std::uint64_t i = 0; i < kLeaves; ++i) {
      const std::string key = std::to_string(1000 + i);
      put(first + 1 + i, BoltWriter::node(first + 1 + i, 0, true, {{key, std::to_string(txid), 0, false}}));
      branch.push_back({key, "", first + 1 + i, false});
    }
    put(first, BoltWriter::node(first, 0, false, branch));
    const std::string meta = BoltWriter::meta(kPage, txid, first, ~std::uint64_t{0}, 4 + 2 * (kLeaves + 1));
    // Not in one piece, as a page may become visible.
    put(txid % 2, meta.substr(0, 50));
    if (::pwrite(file_, meta.data() + 50, meta.size() - 50, static_cast<off_t>(txid % 2 * kPage + 50)) < 0) std::abort();
  }

 private:
  void put(std::uint64_t page, const std::string& bytes) {
    if (::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(page * kPage)) < 0) std::abort();
  }

  int file_;
};

Result<std::uint64_t> read_state(View& view) {
  std::uint64_t entries = 0;
  std::uint64_t wrong = 0;
  const std::string expected = std::to_string(view.txid());
  auto done = view.for_each(view.root(), [&](const BoltEntry& entry) -> Status {
    ++entries;
    if (entry.value != expected) ++wrong;
    return {};
  });
  if (!done) return std::move(done).error();
  if (entries != LiveWriter::kLeaves) return Error(Errc::protocol, "entries are missing");
  return wrong;
}

TEST(LiveBbolt, NeverShowsAMixtureOfTwoStates) {
  LiveWriter writer;
  std::atomic<bool> stop = false;
  std::thread thread([&] {
    for (std::uint64_t txid = 3; !stop; ++txid) {
      writer.commit(txid);
      if (txid % 7 != 0) continue;  // bursts, and rests in which a reader comes through
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  const Bolt reader = writer.reader();
  int tries = 0;
  for (int i = 0; i < 300; ++i) {
    auto wrong = reader.read([&](View& view) {
      ++tries;
      return read_state(view);
    });
    if (!wrong) {
      EXPECT_EQ(wrong.error().code(), Errc::conflict) << wrong.error().message();
      continue;
    }
    EXPECT_EQ(*wrong, 0u);
  }
  stop = true;
  thread.join();
  EXPECT_GT(tries, 300) << "the writer never came between: nothing was tested";
}

TEST(LiveBbolt, GivesUpOnADatabaseThatNeverRests) {
  LiveWriter writer;
  std::uint64_t txid = 3;
  int tries = 0;
  auto found = writer.reader().read([&](View& view) {
    ++tries;
    auto state = read_state(view);
    writer.commit(txid++);
    return state;
  });
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Errc::conflict);
  EXPECT_GT(tries, 5);
}

TEST(LiveBbolt, AnErrorThatAWriterCausedIsTriedAgain) {
  LiveWriter writer;
  int tries = 0;
  auto found = writer.reader().read([&](View& view) -> Result<std::uint64_t> {
    if (++tries < 3) {
      writer.commit(view.txid() + 1);
      return Error(Errc::protocol, "a page was overwritten");
    }
    return read_state(view);
  });
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(*found, 0u);
  EXPECT_EQ(tries, 3);
}

}  // namespace
}  // namespace cleanerd::storage
