// What people write on the command line: endpoints, filters, times, names, sizes.
#include <cstdlib>

#include "base/byte_size.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "engine/decode.hpp"
#include "engine/endpoint.hpp"
#include "plan/filter.hpp"
#include "secrets/names.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cleanerd;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Instant now(std::chrono::hours(500'000));
  if (const auto endpoint = engine::parse_endpoint(text); endpoint && engine::to_string(*endpoint) != text) std::abort();
  if (const auto instant = parse_rfc3339(text); instant && parse_rfc3339(format_rfc3339(*instant)) != instant) std::abort();
  if (const auto duration = parse_duration(text); duration && parse_duration(format_duration(*duration)) != duration) std::abort();
  if (const auto bytes = parse_byte_size(text); bytes && parse_byte_size(format_byte_size(*bytes)) != bytes) std::abort();
  (void)parse_until(text, now);
  (void)engine::parse_api_version(text);
  (void)secrets::can_be_secret(text);
  (void)secrets::is_searchable(text);
  const auto filter = plan::parse_filter(split(text, '\n'), now);
  if (!filter && printable(filter.error().message(), 100000) != filter.error().message()) std::abort();
  const auto at = text.find('\n');
  if (at != std::string::npos) (void)glob_match(text.substr(0, std::min<std::size_t>(at, 64)), text.substr(at + 1));
  return 0;
}
