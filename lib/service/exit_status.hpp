// The contract's exit statuses.
#pragma once

#include "base/result.hpp"

namespace cleanerd::service {

enum class ExitStatus : int {
  done = 0,
  failed = 1,
  usage = 2,
  secrets = 3,      // found (scan, plan), left behind (purge)
  unreachable = 4,  // the engine, or the service, cannot be reached
};

inline ExitStatus exit_status(Errc code) {
  switch (code) {
    case Errc::usage:
    case Errc::config: return ExitStatus::usage;
    case Errc::unreachable:
    case Errc::permission:
    case Errc::timeout: return ExitStatus::unreachable;
    case Errc::protocol:
    case Errc::too_large:
    case Errc::engine:
    case Errc::not_found:
    case Errc::conflict:
    case Errc::unsupported:
    case Errc::cancelled:
    case Errc::io: return ExitStatus::failed;
  }
  return ExitStatus::failed;
}

}  // namespace cleanerd::service
