// What was found in the bytes of one place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret_value.hpp"
#include "match/codec.hpp"
#include "match/rule.hpp"

namespace cleanerd::search {

struct Hit {
  std::string rule;         // a rule's id; empty: a known value
  std::string description;  // the rule's; of a known value that the host has betrayed, whence
  std::string file;         // from the place, "outer.tar.gz!inner" within a container of bytes; empty where the place is a file;
                            // a text's number where the target is texts
  std::uint64_t begin = 0;  // bytes that hold the secret; both 0 where the file as such, or its name, is the finding
  std::uint64_t end = 0;
  match::Encoding encoding = match::Encoding::plain;
  bool checked = false;     // a checksum or structure was right, so it is no chance
  match::Tier tier = match::Tier::any;  // of the rule; in a build's log any, for no name was judged before
  bool anywhere = false;    // the rule finds this value in any file, in the usual encodings, too; or it is too common to be looked for
  std::string fingerprint;  // empty where the file as such is the finding
  std::string masked;
  std::optional<SecretValue> value;  // nullopt when the answer came from the scan cache, or the file as such is the finding
};

struct UnreadFile {
  std::string file;
  std::string reason;
};

struct Answer {
  std::vector<Hit> hits;            // by file and place in it
  std::vector<UnreadFile> unread;
  std::uint64_t bytes = 0;          // that were searched, unpacked ones included
  std::size_t left_out = 0;         // hits beyond kMaxHits
  bool gone = false;                // the place was not there: it says nothing then, and may be there again
  bool broken_off = false;          // reading was stopped: it says nothing of what was not read
};

// A place with more says so; it is as secret-bearing with these.
inline constexpr std::size_t kMaxHits = 2000;

}  // namespace cleanerd::search
