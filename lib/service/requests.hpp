// Bodies of the control API's requests (docs/control-api.yaml), as clients send them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "report/format.hpp"
#include "service/sessions.hpp"

namespace cleanerd::service {

// How an answer is to look.
struct Form {
  report::Format format = report::Format::json;
  bool colour = false;
};

struct JobRequest {
  bool all = false;
  std::vector<std::string> filters{};  // plan::parse_filter takes them
  std::vector<std::string> images{};
  std::string object{};
  DeclaredSecrets declared{};
  Form form{};
};

struct SessionRequest {
  std::string name{};
  std::chrono::seconds lifetime{};  // up to 24 hours
  SessionScope scope{};
  DeclaredSecrets declared{};
};

struct EndRequest {
  DeclaredSecrets declared{};
  Form form{};
};

// An empty body is an empty object. Errc::usage says what is wrong, without a declared value; those are wiped in what is parsed.
Result<JobRequest> parse_job_request(std::string_view body, Instant now);
Result<SessionRequest> parse_session_request(std::string_view body, Instant now);
Result<EndRequest> parse_end_request(std::string_view body);

}  // namespace cleanerd::service
