// One request of a client (HTTP/1.1, RFC 9112), as a handler gets it.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret_bytes.hpp"

namespace cleanerd::http {

// Who is at the other end of a Unix socket, as the kernel saw it when the connection was made (SO_PEERCRED, SO_PEERGROUPS: unix(7)).
struct Peer {
  uid_t uid;
  gid_t gid;
  pid_t pid;                  // may meanwhile be another process's; for the record, never for a decision
  std::vector<gid_t> groups;  // the supplementary ones

  bool in_group(gid_t group) const;  // gid or one of groups
};

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;         // "GET"
  std::string path;           // as sent, without the query: percent-encoded, begins with '/'
  Parameters query{};         // decoded, in the order sent; a name may be there more than once
  Parameters captures{};      // what the route's {names} stand for, decoded
  std::string content_type{};
  SecretBytes body{};
  std::optional<Peer> peer{};  // none over TCP

  // The first of that name; nullptr when there is none.
  const std::string* parameter(std::string_view name) const;
  // Of a {name} that the route has; empty for another.
  const std::string& capture(std::string_view name) const;
};

}  // namespace cleanerd::http
