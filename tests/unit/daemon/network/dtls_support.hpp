#pragma once
// A DTLS client that keeps its datagrams in memory until a test passes them on, so that they can be lost, repeated,
// changed and put in another order; and a UDP server with DTLS to talk to.
#include "daemon/network/tls_context.hpp"
#include "tests/support/tls_material.hpp"
#include "tests/unit/daemon/network/udp_support.hpp"

#include <doctest/doctest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace jl::network::test {

using namespace jl::test;
using DtlsClientContext = std::shared_ptr<SSL_CTX>;

inline std::shared_ptr<const TlsContext> dtls_context(const TlsServerOptions& options) {
  auto made = TlsContext::datagram_server(options);
  REQUIRE_MESSAGE(made.has_value(), (made ? std::string() : made.error().message));
  return *made;
}
inline std::shared_ptr<const TlsContext> dtls_context() {
  static const auto entry = make_leaf(make_ca(), {});
  return dtls_context({.bundle = bundle({entry}), .alias = {}, .mutual = false});
}

/// A client that checks nothing, with a certificate of its own or not.
inline DtlsClientContext dtls_client(const cert::Entry* own = nullptr) {
  DtlsClientContext context(SSL_CTX_new(DTLS_client_method()), &SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_QUERY_MTU);
  if (own != nullptr) {
    REQUIRE(SSL_CTX_use_certificate(context.get(), own->chain.front().get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(context.get(), own->key.get()) == 1);
  }
  return context;
}

/// The records of a datagram (RFC 6347 §4.1).
inline std::vector<std::string> records_of(std::string_view bytes) {
  std::vector<std::string> out;
  while (bytes.size() >= 13) {
    const std::size_t size = 13 + static_cast<unsigned char>(bytes[11]) * 256u + static_cast<unsigned char>(bytes[12]);
    out.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(std::min(size, bytes.size()));
  }
  return out;
}

class DtlsClient {
 public:
  using Datagrams = std::vector<std::string>;
  /// What becomes of datagrams on their way.
  using Road = std::function<Datagrams(Datagrams)>;

  explicit DtlsClient(std::uint16_t port, const DtlsClientContext& context = dtls_client())
      : socket_(std::make_unique<UdpClient>(port)) {
    begin(context);
  }
  ~DtlsClient() { SSL_free(ssl_); }
  DtlsClient(const DtlsClient&) = delete;

  /// Starts anew from the same port, as a device that lost its power.
  void begin(const DtlsClientContext& context = dtls_client()) {
    while (socket_->receive_now()) continue;
    SSL_free(ssl_);
    received_.clear();
    alert_ = reason_ = 0;
    ssl_ = SSL_new(context.get());
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
    SSL_set_mtu(ssl_, 1200);
    DTLS_set_timer_cb(ssl_, [](SSL*, unsigned) { return 200'000u; });  // microseconds; it sends 12 times
  }

  /// Leaves it to the server to send flights again.
  void never_repeat() {
    DTLS_set_timer_cb(ssl_, [](SSL*, unsigned) { return 3'600'000'000u; });
  }

  [[nodiscard]] SSL* ssl() const { return ssl_; }
  [[nodiscard]] const UdpClient& socket() const { return *socket_; }
  [[nodiscard]] bool done() const { return SSL_is_init_finished(ssl_) == 1; }
  [[nodiscard]] int alert() const { return alert_; }    ///< that the server ended it with; 0 = none, -1 = our own end
  [[nodiscard]] int reason() const { return reason_; }  ///< of the last failure, SSL_R_...
  [[nodiscard]] bool is_closed() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }
  [[nodiscard]] std::size_t largest() const { return largest_; }  ///< datagram that came

  Road outwards = [](Datagrams all) { return all; };
  Road inwards = [](Datagrams all) { return all; };

  /// Takes what has come, works, and sends what that led to.
  void step() {
    Datagrams came;
    while (auto datagram = socket_->receive_now()) {
      largest_ = std::max(largest_, datagram->size());
      came.push_back(std::move(*datagram));
    }
    if (!came.empty()) came = inwards(std::move(came));
    for (const std::string& datagram : came) {
      BIO_write(in_, datagram.data(), static_cast<int>(datagram.size()));
      work();
    }
    if (came.empty()) work();
    flush();
  }
  /// Drives the handshake; whether it ends well. `meanwhile` is called in each round.
  [[nodiscard]] bool shake(const std::function<void()>& meanwhile = [] {}) {
    return eventually([&] {
             step();
             meanwhile();
             return done() || alert_ != 0;
           }) &&
           done();
  }
  /// What the client would send now, as records; they do not leave.
  [[nodiscard]] Datagrams take_output() {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out_, &data);
    Datagrams out = records_of({data, static_cast<std::size_t>(size)});
    static_cast<void>(BIO_reset(out_));
    return out;
  }
  void flush() {
    Datagrams out = take_output();
    if (out.empty()) return;
    for (const std::string& datagram : outwards(std::move(out))) socket_->send(datagram);
  }
  /// The record that carries this; it does not leave.
  [[nodiscard]] std::string seal(std::string_view bytes) {
    REQUIRE(SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()));
    const Datagrams out = take_output();
    REQUIRE(out.size() == 1);
    return out.front();
  }
  void write(std::string_view bytes) { socket_->send(seal(bytes)); }
  /// The next datagram of the server; "" when none comes.
  [[nodiscard]] std::string read() {
    static_cast<void>(eventually([&] {
      step();
      return !received_.empty() || alert_ != 0 || is_closed();
    }));
    if (received_.empty()) return {};
    std::string first = received_.front();
    received_.erase(received_.begin());
    return first;
  }
  [[nodiscard]] bool wait_closed() {
    return eventually([&] {
      step();
      return is_closed();
    });
  }
  void close() {
    SSL_shutdown(ssl_);
    flush();
  }

 private:
  void work() {
    ERR_clear_error();
    DTLSv1_handle_timeout(ssl_);
    if (!done()) {
      const int result = SSL_do_handshake(ssl_);
      if (result <= 0) return note_alert(result);
    }
    std::array<char, 20'000> bytes{};
    int got = 0;
    while ((got = SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()))) > 0) {
      received_.emplace_back(bytes.data(), static_cast<std::size_t>(got));
    }
    note_alert(got);
  }
  void note_alert(int result) {
    if (SSL_get_error(ssl_, result) != SSL_ERROR_SSL) return;
    reason_ = ERR_GET_REASON(ERR_peek_error());
    alert_ = reason_ > SSL_AD_REASON_OFFSET ? reason_ - SSL_AD_REASON_OFFSET : -1;
  }
  std::unique_ptr<UdpClient> socket_;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  Datagrams received_;
  int alert_ = 0;
  int reason_ = 0;
  std::size_t largest_ = 0;
};

/// The first flight of some client, as it leaves.
inline std::string client_hello() {
  DtlsClient client(9);
  std::string hello;
  client.outwards = [&](DtlsClient::Datagrams all) {
    hello = all.front();
    return DtlsClient::Datagrams();
  };
  client.step();
  return hello;
}

struct DtlsHouse : UdpHouse {
  explicit DtlsHouse(std::size_t thread_count = 1) : UdpHouse(thread_count) { options.dtls = dtls_context(); }
  /// Lets as much time pass as has passed outside since the last time: OpenSSL's timers know no other clock.
  void keep_up() {
    const auto now = std::chrono::steady_clock::now();
    const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - kept_up_);
    kept_up_ += passed;
    if (passed.count() > 0) pass(passed.count());
  }
  /// Waits for a counter to get there.
  template <class Counter>
  [[nodiscard]] static bool becomes(const Counter& counter, std::uint64_t value) {
    return eventually([&] { return counter.load() == value; });
  }

 private:
  std::chrono::steady_clock::time_point kept_up_ = std::chrono::steady_clock::now();
};

}  // namespace jl::network::test
