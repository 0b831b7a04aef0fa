#pragma once
// A blocking TLS client for tests of servers, and the warnings that a server logs about such clients.
#include "daemon/base/log.hpp"
#include "tests/unit/daemon/network/tcp_client.hpp"
#include "tests/unit/daemon/network/tls_support.hpp"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <csignal>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace jl::network::test {

/// A blocking client. Its socket waits at most five seconds.
class TlsClient {
 public:
  TlsClient(std::uint16_t port, const ClientContext& context) : socket_(port), ssl_(SSL_new(context.get())) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own sockets raise it
    SSL_set_fd(ssl_, socket_.fd());
    shaken_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() { SSL_free(ssl_); }
  TlsClient(const TlsClient&) = delete;

  [[nodiscard]] bool shaken() const { return shaken_; }
  [[nodiscard]] SSL* ssl() const { return ssl_; }
  void send(std::string_view bytes) const {
    REQUIRE(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()));
  }
  [[nodiscard]] std::string read(std::size_t bytes) const {
    std::string out(bytes, '\0');
    std::size_t have = 0;
    for (int got = 0; have < bytes; have += static_cast<std::size_t>(got)) {
      got = SSL_read(ssl_, out.data() + have, static_cast<int>(bytes - have));
      if (got <= 0) break;
    }
    out.resize(have);
    return out;
  }
  /// What reading ends with: an SSL_ERROR, and why.
  [[nodiscard]] std::pair<int, int> read_end() const {
    char byte = 0;
    ERR_clear_error();
    const int got = SSL_read(ssl_, &byte, 1);
    const int error = SSL_get_error(ssl_, got);
    return {error, ERR_GET_REASON(ERR_peek_error())};
  }

 private:
  TcpClient socket_;
  SSL* ssl_;
  bool shaken_ = false;
};

/// The records of level warn and above while it lives.
class Warnings {
 public:
  [[nodiscard]] bool has(std::string_view part) const {
    const std::scoped_lock lock(mutex_);
    return text_.find(part) != std::string::npos;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
  std::shared_ptr<void> sink_ = log::add_sink(log::Level::warn, [this](const log::Record& record) {
    const std::scoped_lock lock(mutex_);
    text_.append(record.message).push_back('\n');
  });
};

}  // namespace jl::network::test
