// Answers as bytes (RFC 9112).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cleanerd::http {

struct Head {
  unsigned status;
  std::string_view content_type{};
  std::optional<std::size_t> length{};
  bool chunked = false;  // with neither, the end of the connection is the answer's
  bool keep_alive = true;
  std::string_view allow{};  // of 405
};

std::string head_text(const Head& head);
std::string chunk_text(std::string_view bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// {"message": …}
std::string message_document(std::string_view text);

// A whole answer, after which the connection is closed.
std::string closing_answer(unsigned status, std::string_view text);

// What the answers of the server itself say.
std::string_view explanation(unsigned status);

}  // namespace cleanerd::http
