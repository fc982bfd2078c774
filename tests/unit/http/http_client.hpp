// A client that can do what no client should: it writes bytes to a socket and reads answers from it.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <map>
#include <string>
#include <string_view>

#include "base/descriptor.hpp"

namespace cleanerd::test {

struct Answer {
  int status = 0;  // 0: none, or one that is cut
  std::map<std::string, std::string> fields{};
  std::string body{};
  bool complete = false;
};

class HttpClient {
 public:
  explicit HttpClient(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  explicit HttpClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  explicit HttpClient(Descriptor socket) : socket_(std::move(socket)), connected_(true) {}

  bool connected() const { return connected_; }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }
  Answer get(const std::string& target) {
    send("GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    return receive();
  }
  Answer post(const std::string& target, const std::string& body) {
    send("POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return receive();
  }

  // One answer; what follows it is kept for the next.
  Answer receive(bool has_body = true) {
    Answer answer;
    std::string line;
    if (!take_line(line) || !line.starts_with("HTTP/1.1 ")) return answer;
    const int status = std::stoi(line.substr(9));
    while (take_line(line) && !line.empty()) {
      const std::size_t colon = line.find(": ");
      answer.fields[line.substr(0, colon)] = line.substr(colon + 2);
    }
    answer.status = status;
    answer.complete = !has_body || take_body(answer);
    return answer;
  }
  // A stream's next chunk; empty at its end and when it is cut.
  std::string receive_chunk() {
    std::string line, chunk;
    if (!take_line(line) || !take(std::stoul(line, nullptr, 16), chunk)) return {};
    take_line(line);
    return chunk;
  }
  void receive_head() { receive(false); }

  // Waits until the server has closed this connection; false when it has not after a long time.
  bool is_closed() {
    while (fill()) received_.clear();
    return at_end_;
  }
  void end_sending() { ::shutdown(socket_.get(), SHUT_WR); }
  void close() { socket_ = Descriptor(); }
  int descriptor() const { return socket_.get(); }

 private:
  static constexpr int kPatience = 20'000;  // ms: only a test that fails waits so long

  bool fill() {
    pollfd readable{socket_.get(), POLLIN, 0};
    if (::poll(&readable, 1, kPatience) != 1) return false;
    char buffer[16384];
    const ssize_t count = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (count <= 0) at_end_ = true;
    else received_.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
  }
  bool take_line(std::string& line) {
    std::size_t end;
    while ((end = received_.find("\r\n")) == std::string::npos)
      if (!fill()) return false;
    line = received_.substr(0, end);
    received_.erase(0, end + 2);
    return true;
  }
  bool take(std::size_t count, std::string& bytes) {
    while (received_.size() < count)
      if (!fill()) return false;
    bytes = received_.substr(0, count);
    received_.erase(0, count);
    return true;
  }
  bool take_body(Answer& answer) {
    if (answer.fields.contains("Content-Length")) return take(std::stoul(answer.fields["Content-Length"]), answer.body);
    if (!answer.fields.contains("Transfer-Encoding")) {
      while (fill()) continue;
      answer.body = std::move(received_);
      return true;
    }
    for (std::string line, chunk, rest;;) {
      if (!take_line(line)) return false;
      const std::size_t size = std::stoul(line, nullptr, 16);
      if (!take(size, chunk) || !take_line(rest)) return false;
      if (size == 0) return true;
      answer.body += chunk;
    }
  }

  Descriptor socket_;
  bool connected_ = false, at_end_ = false;
  std::string received_;
};

}  // namespace cleanerd::test
