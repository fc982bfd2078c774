// Any body that a client sends to the control API is read, or refused with a message that is fit for a terminal; what is read keeps to the API's bounds.
#include <cstdlib>

#include "base/text.hpp"
#include "plan/filter.hpp"
#include "secrets/names.hpp"
#include "service/requests.hpp"

namespace {

using namespace cleanerd;
using namespace cleanerd::service;

constexpr Instant kNow(std::chrono::hours(500'000));

template <class T>
void check_refusal(const Result<T>& request) {
  if (request) return;
  const std::string& message = request.error().message();
  if (request.error().code() != Errc::usage || message.empty() || printable(message, 100000) != message) std::abort();
}

void check_declared(const DeclaredSecrets& declared) {
  for (const secrets::KnownValue& known : declared.values)
    if (!secrets::is_searchable(known.value.reveal()) || printable(known.origin, 1000) != known.origin) std::abort();
  for (const inventory::Unread& place : declared.unread())
    if (printable(place.place, 1000) != place.place) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto job = parse_job_request(body, kNow);
  check_refusal(job);
  if (job) {
    check_declared(job->declared);
    if (!plan::parse_filter(job->filters, kNow)) std::abort();
  }
  const auto session = parse_session_request(body, kNow);
  check_refusal(session);
  if (session) {
    check_declared(session->declared);
    if (session->lifetime < std::chrono::seconds(1) || session->lifetime > std::chrono::hours(24)) std::abort();
  }
  const auto end = parse_end_request(body);
  check_refusal(end);
  if (end) check_declared(end->declared);
  return 0;
}
