// Reads places and looks for secrets in them: every regular file, containers of bytes opened, with bounded memory.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "match/matcher.hpp"
#include "match/unpack.hpp"
#include "search/hit.hpp"
#include "search/stream.hpp"

namespace cleanerd::search {

struct ReadOptions {
  std::size_t threads = 1;
  match::UnpackLimits unpack;
  std::stop_token stop;  // reading ends soon, and some answers are broken off
  // Bytes since the last call, from any of the threads.
  std::function<void(std::uint64_t bytes)> on_bytes;
};

// One answer a path, in their order. A path is a directory, walked without ever leaving it, or a regular file; one that is not
// there (any more) has an empty answer. What a directory holds that cannot be read is in its `unread`. Each file is searched
// with all the matchers in one reading; they outlive the call. Several threads share a large directory.
std::vector<Answer> read_places(std::span<const std::string> paths, std::span<const match::Matcher* const> matchers,
                                const Fingerprinter& fingerprint, const ReadOptions& options);

// A stream that somebody else reads: opened where it is a container of bytes.
Answer read_stream(const Stream& stream, std::span<const match::Matcher* const> matchers, const Fingerprinter& fingerprint,
                   const ReadOptions& options);

// Texts that are in memory already; a hit's file is the number of its text.
using Texts = std::vector<std::string_view>;
std::vector<Answer> read_texts(std::span<const Texts* const> targets, std::span<const match::Matcher* const> matchers,
                               const Fingerprinter& fingerprint);

}  // namespace cleanerd::search
