#include "http/answer.hpp"

#include <array>
#include <boost/beast/http/status.hpp>
#include <cstdio>

namespace cleanerd::http {

std::string head_text(const Head& head) {
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(head.status));
  std::string text = "HTTP/1.1 " + std::to_string(head.status) + " " + std::string(reason.data(), reason.size()) + "\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  if (!head.content_type.empty()) add("Content-Type", head.content_type);
  if (head.length) add("Content-Length", std::to_string(*head.length));
  if (head.chunked) add("Transfer-Encoding", "chunked");
  if (!head.allow.empty()) add("Allow", head.allow);
  if (head.status == 503) add("Retry-After", "1");
  add("Cache-Control", "no-store");
  add("X-Content-Type-Options", "nosniff");
  if (!head.keep_alive) add("Connection", "close");
  return text + "\r\n";
}

std::string chunk_text(std::string_view bytes) {
  std::array<char, 24> size{};
  const int length = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  return std::string(size.data(), static_cast<std::size_t>(length)).append(bytes).append("\r\n");
}

std::string closing_answer(unsigned status, std::string_view text) {
  const std::string body = message_document(text);
  return head_text({.status = status, .content_type = "application/json", .length = body.size(), .keep_alive = false}) + body;
}

std::string_view explanation(unsigned status) {
  switch (status) {
    case 404: return "there is nothing at this path";
    case 405: return "this path has no such method";
    case 408: return "the request did not arrive in time";
    case 413: return "the request's body is too large";
    case 417: return "this expectation cannot be met";
    case 431: return "the request's header is too large";
    case 503: return "too many requests at once, try again in a moment";
    default: return "this is not a request of HTTP/1.1";
  }
}

}  // namespace cleanerd::http
