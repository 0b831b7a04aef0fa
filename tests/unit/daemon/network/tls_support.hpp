#pragma once
// Both ends of a TLS connection on one thread: a Stream, and an OpenSSL client of its own that keeps its bytes in
// memory until they are passed on.
#include "daemon/network/stream.hpp"
#include "daemon/network/tls_context.hpp"
#include "tests/support/tls_material.hpp"
#include "tests/unit/daemon/network/thread_support.hpp"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <memory>
#include <string>

namespace jl::network::test {

using namespace jl::test;
using Context = std::shared_ptr<const TlsContext>;
using ClientContext = std::shared_ptr<SSL_CTX>;
using IoStatus = IoResult::Status;

inline Context server_context(const TlsServerOptions& options) {
  auto made = TlsContext::server(options);
  REQUIRE_MESSAGE(made.has_value(), (made ? std::string() : made.error().message));
  return *made;
}
inline Context client_context(const TlsClientOptions& options) {
  auto made = TlsContext::client(options);
  REQUIRE_MESSAGE(made.has_value(), (made ? std::string() : made.error().message));
  return *made;
}

/// A client that can do more than ours, and checks nothing.
inline ClientContext lax_client(const cert::Entry* own = nullptr) {
  ClientContext context(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (own != nullptr) {
    REQUIRE(SSL_CTX_use_certificate(context.get(), own->chain.front().get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context.get(), own->key.get()) == 1);
  }
  return context;
}

class Peer {
 public:
  Peer(int fd, const ClientContext& context, std::string name = {}) : fd_(fd), ssl_(SSL_new(context.get())) {
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
    if (!name.empty()) SSL_ctrl(ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
  }
  ~Peer() { SSL_free(ssl_); }
  Peer(const Peer&) = delete;

  [[nodiscard]] SSL* ssl() const { return ssl_; }
  [[nodiscard]] bool done() const { return SSL_is_init_finished(ssl_) == 1; }
  [[nodiscard]] int alert() const { return alert_; }  ///< that the other side sent; 0 = none

  [[nodiscard]] int reason() const { return reason_; }  ///< of the last failure, SSL_R_...

  /// Takes what has come, works, and passes at most `most` bytes of its output on.
  void step(std::size_t most = SIZE_MAX) {
    std::array<char, 4096> bytes{};
    for (ssize_t got = 0; (got = ::recv(fd_, bytes.data(), bytes.size(), 0)) > 0;) {
      BIO_write(in_, bytes.data(), static_cast<int>(got));
    }
    ERR_clear_error();
    if (!done()) {
      const int result = SSL_do_handshake(ssl_);
      note_alert(result);
    }
    flush(most);
  }
  void flush(std::size_t most = SIZE_MAX) {
    char* data = nullptr;
    for (long size = 0; most > 0 && (size = BIO_get_mem_data(out_, &data)) > 0;) {
      const ssize_t sent =
          ::send(fd_, data, std::min(static_cast<std::size_t>(size), most), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent <= 0) return;
      most -= static_cast<std::size_t>(sent);
      std::string gone(static_cast<std::size_t>(sent), '\0');
      BIO_read(out_, gone.data(), static_cast<int>(sent));
    }
  }
  [[nodiscard]] bool has_output() const { return BIO_pending(out_) > 0; }
  /// Encrypts; flush() or step() passes it on.
  void write(std::string_view bytes) { REQUIRE(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0); }
  /// Whatever has come.
  std::string read() {
    step();
    std::string out;
    std::array<char, 16384> bytes{};
    int got = 0;
    while ((got = SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()))) > 0) {
      out.append(bytes.data(), static_cast<std::size_t>(got));
    }
    note_alert(got);
    flush();
    return out;
  }

 private:
  void note_alert(int result) {
    if (result > 0 || SSL_get_error(ssl_, result) != SSL_ERROR_SSL) return;
    reason_ = ERR_GET_REASON(ERR_peek_error());
    if (reason_ > SSL_AD_REASON_OFFSET) alert_ = reason_ - SSL_AD_REASON_OFFSET;
  }
  int fd_;
  SSL* ssl_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  int reason_ = 0;
  int alert_ = 0;
};

/// Our side of a pair of sockets, and the descriptor of the other.
struct Pair {
  explicit Pair(const Context& context) {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    ours = Stream(fds[0]);
    theirs = Stream(fds[1]);
    REQUIRE(ours.secure(context).has_value());
  }
  /// Drives both until the handshake is over; whether our side is content.
  bool shake(Peer& peer, std::size_t most = SIZE_MAX) {
    for (int round = 0; round < 20'000; ++round) {
      peer.step(most);
      last = ours.read_some(buffer);
      if (last.status == IoStatus::ok) received.append(buffer.data(), last.bytes);
      if (last.status == IoStatus::failed || last.status == IoStatus::end) break;
      if (ours.handshake_done() && peer.done() && !peer.has_output()) break;
    }
    peer.read();  // the session ticket, or the alert
    return ours.handshake_done() && last.status != IoStatus::failed;
  }
  /// Everything that our side can read now.
  std::string read() {
    std::string out = std::exchange(received, {});
    for (;;) {
      last = ours.read_some(buffer);
      if (last.status != IoStatus::ok) return out;
      out.append(buffer.data(), last.bytes);
    }
  }
  Stream ours, theirs;
  IoResult last;
  std::string received;
  std::array<char, 65536> buffer{};
};

}  // namespace jl::network::test
