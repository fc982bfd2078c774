#include "http/responder.hpp"

#include <nlohmann/json.hpp>

#include "http/answer.hpp"
#include "http/exchange.hpp"

namespace cleanerd::http {

std::string message_document(std::string_view text) {
  return nlohmann::json{{"message", std::string(text)}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Responder::Responder(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}

Responder::~Responder() {
  if (!exchange_) return;
  if (!exchange_->begun) message(500, "the request was not answered");
  if (!exchange_->answered) exchange_->put({Piece::Kind::cut});
}

void Responder::send(unsigned status, std::string_view content_type, std::string body) {
  if (exchange_->begun) return;
  exchange_->begun = exchange_->answered = true;
  exchange_->put({Piece::Kind::whole, status, std::string(content_type), std::move(body)});
}

void Responder::message(unsigned status, std::string_view text) { json(status, message_document(text)); }

void Responder::begin(unsigned status, std::string_view content_type) {
  if (exchange_->begun) return;
  exchange_->begun = true;
  exchange_->put({Piece::Kind::head, status, std::string(content_type)});
}

// An empty chunk would be the stream's end (RFC 9112 §7.1).
bool Responder::write(std::string_view chunk) {
  if (!exchange_->begun || exchange_->answered || !exchange_->wait_for_room()) return false;
  if (!chunk.empty()) exchange_->put({Piece::Kind::chunk, 0, {}, std::string(chunk)});
  return true;
}

void Responder::end() {
  if (!exchange_->begun || exchange_->answered) return;
  exchange_->answered = true;
  exchange_->put({Piece::Kind::last});
}

bool Responder::answered() const { return exchange_->begun; }

std::stop_token Responder::stop() const { return exchange_->stop(); }

}  // namespace cleanerd::http
