#pragma once
// An HTTP server of a test's own making: it answers each connection with bytes as the test says, in the clear or over
// TLS, and writes down what it was asked. Each connection has a thread of its own and is good for one request.
#include "common/cert/bundle.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace jl::network::test {

/// What a connection is answered with.
struct Scripted {
  std::string bytes{};
  bool holds = false;  ///< stays open and silent afterwards, until the client or the test ends
};

class ScriptedHttp {
 public:
  using Answer = std::function<Scripted(const std::string& head)>;

  /// `answer` is called on a thread of the server's, one call at a time, with the head and the body of a request.
  /// `identity`: it speaks TLS with it.
  explicit ScriptedHttp(Answer answer, const cert::Entry* identity = nullptr)
      : answer_(std::move(answer)), identity_(identity), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    std::signal(SIGPIPE, SIG_IGN);  // as jlinkd does
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    void* const raw = &address;
    REQUIRE(::bind(fd_, static_cast<sockaddr*>(raw), sizeof address) == 0);
    REQUIRE(::listen(fd_, 16) == 0);
    socklen_t length = sizeof address;
    REQUIRE(::getsockname(fd_, static_cast<sockaddr*>(raw), &length) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedHttp() {
    is_over_ = true;
    thread_.join();
    for (auto& connection : connections_) connection.join();
    ::close(fd_);
  }
  ScriptedHttp(const ScriptedHttp&) = delete;
  ScriptedHttp& operator=(const ScriptedHttp&) = delete;

  [[nodiscard]] std::string url(std::string_view rest = "/fw.bin", std::string_view userinfo = {}) const {
    return std::string(identity_ ? "https://" : "http://") + std::string(userinfo) +
           "127.0.0.1:" + std::to_string(port_) + std::string(rest);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Heads of requests with what followed them, oldest first.
  [[nodiscard]] std::vector<std::string> heads() const {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

 private:
  // False when there is nothing to read any more, or the test is over.
  [[nodiscard]] bool readable(int fd) const {
    while (!is_over_) {
      pollfd entry{fd, POLLIN, 0};
      if (::poll(&entry, 1, 10) > 0) return true;
    }
    return false;
  }

  void serve() {
    while (readable(fd_)) {
      const int client = ::accept(fd_, nullptr, nullptr);
      if (client < 0) return;
      connections_.emplace_back([this, client] {
        serve_one(client);
        ::close(client);
      });
    }
  }

  void serve_one(int client) {
    if (identity_) return serve_tls(client);
    converse(
        client, [&](char* to, std::size_t most) { return ::recv(client, to, most, 0); },
        [&](std::string_view bytes) { return ::send(client, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
  }

  void serve_tls(int client) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    SSL_CTX_use_certificate(context.get(), identity_->chain.front().get());
    SSL_CTX_use_PrivateKey(context.get(), identity_->key.get());
    const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(context.get()), SSL_free);
    SSL_set_fd(session.get(), client);
    if (SSL_accept(session.get()) != 1) return;
    converse(
        client, [&](char* to, std::size_t most) { return SSL_read(session.get(), to, static_cast<int>(most)); },
        [&](std::string_view bytes) { return SSL_write(session.get(), bytes.data(), static_cast<int>(bytes.size())); });
    SSL_shutdown(session.get());
  }

  template <class Read, class Write>
  void converse(int client, Read read, Write write) {
    std::string head;
    std::array<char, 4096> piece{};
    while (!is_whole(head)) {
      if (!readable(client)) return;
      const auto got = read(piece.data(), piece.size());
      if (got <= 0) return;
      head.append(piece.data(), static_cast<std::size_t>(got));
    }
    const Scripted answer = answer_to(head);
    for (std::string_view rest = answer.bytes; !rest.empty();) {
      const auto sent = write(rest);
      if (sent <= 0) return;
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    if (answer.holds) (void)readable(client);
  }

  // With the body that the head tells of: what is closed unread resets the connection.
  static bool is_whole(const std::string& request) {
    const std::size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::size_t field = request.find("Content-Length: ");
    return field > end || request.size() >= end + 4 + std::stoul(request.substr(field + 16));
  }

  Scripted answer_to(const std::string& head) {
    const std::lock_guard turn(answering_);
    {
      const std::lock_guard lock(mutex_);
      heads_.push_back(head);
    }
    return answer_(head);
  }

  const Answer answer_;
  const cert::Entry* const identity_;
  const int fd_;
  std::uint16_t port_ = 0;
  std::mutex answering_;
  mutable std::mutex mutex_;  // heads_
  std::vector<std::string> heads_;
  std::atomic<bool> is_over_{false};
  std::vector<std::thread> connections_;  // of thread_, until it ended
  std::thread thread_;
};

/// A response that ends the connection.
inline std::string file_response(std::string_view body, std::string_view status = "200 OK") {
  return "HTTP/1.1 " + std::string(status) + "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + std::string(body);
}
inline std::string redirect(std::string_view to, std::string_view status = "302 Found") {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nConnection: close\r\nSet-Cookie: a=b\r\nLocation: " + std::string(to) +
         "\r\nContent-Length: 4\r\n\r\nmove";
}

}  // namespace jl::network::test
