#pragma once
// A client of the control socket that sends whatever bytes a test wants and takes answers apart.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>
#include <algorithm>
#include <cctype>
#include <cstring>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace jl::test {

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  bool is_complete = false;

  [[nodiscard]] std::string header(const std::string& name) const {
    const auto it = headers.find(name);
    return it == headers.end() ? "" : it->second;
  }
};

class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const timeval limit{20, 0};  // a test that would hang fails instead
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    is_connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), is_connected_(other.is_connected_), rest_(std::move(other.rest_)) {}
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient() { close(); }

  [[nodiscard]] bool is_connected() const { return is_connected_; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  void shutdown_send() { ::shutdown(fd_, SHUT_WR); }

  /// False when the server does not take it all.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  bool request(std::string_view method, std::string_view target, std::string_view body = {},
               std::string_view headers = {}) {
    std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: jlinkd\r\n";
    text += headers;
    if (!body.empty()) {
      if (headers.find("Content-Type") == std::string_view::npos) text += "Content-Type: application/json\r\n";
      text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    }
    return send(text + "\r\n" + std::string(body));
  }

  /// Reads a line without its end; nullopt at the end of the connection.
  std::optional<std::string> line() {
    for (;;) {
      if (const auto end = rest_.find("\r\n"); end != std::string::npos) {
        std::string out = rest_.substr(0, end);
        rest_.erase(0, end + 2);
        return out;
      }
      if (!fill()) return std::nullopt;
    }
  }
  std::optional<std::string> bytes(std::size_t count) {
    while (rest_.size() < count) {
      if (!fill()) return std::nullopt;
    }
    std::string out = rest_.substr(0, count);
    rest_.erase(0, count);
    return out;
  }
  /// The head of the next answer; status 0 when the connection ended.
  Answer read_head() {
    Answer out;
    const auto first = line();
    if (!first || first->size() < 12 || !first->starts_with("HTTP/1.1 ")) return out;
    out.status = std::stoi(first->substr(9, 3));
    for (auto text = line(); text && !text->empty(); text = line()) {
      const auto colon = text->find(": ");
      if (colon == std::string::npos) throw std::runtime_error("bad header in answer: " + *text);
      std::string name = text->substr(0, colon);
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      out.headers[name] = text->substr(colon + 2);
    }
    return out;
  }
  /// One chunk of a stream; "" at its proper end, nullopt when it was cut.
  std::optional<std::string> chunk() {
    const auto size = line();
    if (!size) return std::nullopt;
    auto out = bytes(std::stoul(*size, nullptr, 16));
    return out && line() ? out : std::nullopt;
  }
  /// The next answer with its body.
  Answer read(bool is_head = false) {
    Answer out = read_head();
    if (out.status == 0) return out;
    if (out.header("transfer-encoding") == "chunked") {
      for (;;) {
        const auto piece = chunk();
        if (!piece) return out;
        if (piece->empty()) break;
        out.body += *piece;
      }
    } else if (!is_head && out.headers.contains("content-length")) {
      const auto body = bytes(std::stoul(out.header("content-length")));
      if (!body) return out;
      out.body = *body;
    }
    out.is_complete = true;
    return out;
  }
  /// Whether the server has closed and left nothing unread.
  bool at_end() { return rest_.empty() && !fill(); }

 private:
  bool fill() {
    char buffer[65536];
    const auto size = ::recv(fd_, buffer, sizeof(buffer), 0);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) throw std::runtime_error("the server keeps silent");
    if (size <= 0) return false;
    rest_.append(buffer, static_cast<std::size_t>(size));
    return true;
  }

  int fd_;
  bool is_connected_ = false;
  std::string rest_;
};

}  // namespace jl::test
