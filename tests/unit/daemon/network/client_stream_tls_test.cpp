// Streams over TLS: whom they talk to, and why they do not.
#include "tests/unit/daemon/network/client_stream_support.hpp"
#include "tests/unit/daemon/network/tls_support.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <csignal>
#include <string>

namespace jl::network {
namespace {

using namespace test;

struct TlsCase {
  Leaf leaf{.sans = "DNS:localhost"};
  std::string name = "localhost";  // to verify
  bool is_trusted = true;
  bool asks = false;  // the server, for a certificate
};

// A port with a certificate, and a stream to it that trusts its authority or not.
struct TlsBench {
  explicit TlsBench(const TlsCase& row) {
    port.listen();
    const auto ca = make_ca();
    server = server_context({.bundle = bundle({make_leaf(ca, row.leaf)}, {ca}), .alias = {}, .mutual = row.asks});
    options = dial_options(port.number(), "localhost");
    const auto trust = row.is_trusted ? ca : make_ca("Other CA");
    options.tls = client_context(
        {.bundle = bundle({}, {trust}), .alias = {}, .mutual = false, .verify_host = true, .host = row.name});
  }
  TestPort port;
  Context server;
  ClientStreamOptions options;
  StreamHouse house;
};

// The server's end of such a stream, blocking.
class TlsEnd {
 public:
  TlsEnd(ServerEnd socket, const Context& context) : socket_(std::move(socket)), ssl_(SSL_new(context->get())) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL's own sockets raise it
    SSL_set_fd(ssl_, socket_.fd());
    is_shaken_ = SSL_accept(ssl_) == 1;
    ERR_clear_error();
  }
  ~TlsEnd() { SSL_free(ssl_); }
  TlsEnd(const TlsEnd&) = delete;
  [[nodiscard]] bool is_shaken() const { return is_shaken_; }
  [[nodiscard]] SSL* ssl() const { return ssl_; }
  void send(std::string_view bytes) const {
    std::size_t sent = 0;
    for (; !bytes.empty(); bytes.remove_prefix(sent)) REQUIRE(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &sent));
  }
  [[nodiscard]] std::string read(std::size_t bytes) const {
    std::string out(bytes, '\0');
    std::size_t have = 0;
    for (std::size_t got = 0; have < bytes; have += got) {
      // One that is no record with data (a key update) has to be asked again.
      if (SSL_read_ex(ssl_, out.data() + have, bytes - have, &got) != 1) break;
    }
    out.resize(have);
    return out;
  }
  void close() {
    SSL_shutdown(ssl_);
    socket_.close();
  }
  void cut() { socket_.close(); }

 private:
  ServerEnd socket_;
  SSL* ssl_;
  bool is_shaken_ = false;
};

TEST_SUITE("network.client_stream_tls") {
  TEST_CASE("a peer whose certificate is in order is open to, both ways, and ends with close_notify") {
    TlsBench bench({});
    bench.house.open(bench.options);
    TlsEnd server(bench.port.accept(), bench.server);
    REQUIRE(server.is_shaken());
    REQUIRE(bench.house.handler.wait_open());
    CHECK(std::string(SSL_get_servername(server.ssl(), TLSEXT_NAMETYPE_host_name)) == "localhost");
    CHECK(bench.house.peer() == fmt::format("127.0.0.1:{}", bench.port.number()));
    CHECK(bench.house.send("question"));
    CHECK(server.read(8) == "question");
    server.send("answer");
    CHECK(bench.house.handler.wait_bytes(6) == "answer");
    server.close();
    CHECK(bench.house.handler.wait_end() == "closed by the peer");
  }

  TEST_CASE("close() says close_notify") {
    TlsBench bench({});
    bench.house.open(bench.options);
    const TlsEnd server(bench.port.accept(), bench.server);
    REQUIRE(bench.house.handler.wait_open());
    bench.house.close();
    char byte = 0;
    const int got = SSL_read(server.ssl(), &byte, 1);
    CHECK(SSL_get_error(server.ssl(), got) == SSL_ERROR_ZERO_RETURN);
  }

  TEST_CASE("a certificate that is not in order is refused with the reason, and nothing was open") {
    struct Row {
      TlsCase of;
      std::string why;
    };
    for (const Row& row :
         {Row{{.leaf = {.sans = "DNS:other.example"}}, "the peer's certificate is for another host"},
          Row{{.name = "127.0.0.1"}, "the peer's certificate is for another host"},
          Row{{.leaf = {.sans = "DNS:localhost", .until = -10}}, "the peer's certificate has expired"},
          Row{{.leaf = {.sans = "DNS:localhost", .from = 3600}}, "the peer's certificate is not yet valid"},
          Row{{.is_trusted = false}, "unknown ca (unable to get local issuer certificate)"}}) {
      CAPTURE(row.why);
      TlsBench bench(row.of);
      bench.house.open(bench.options);
      const TlsEnd server(bench.port.accept(), bench.server);
      CHECK(bench.house.handler.wait_end() == row.why);
      CHECK(bench.house.handler.opened() == 0);
    }
  }

  TEST_CASE("a peer that wants a certificate and gets none says so") {
    TlsBench bench({.asks = true});
    bench.house.open(bench.options);
    const TlsEnd server(bench.port.accept(), bench.server);
    CHECK_FALSE(server.is_shaken());
    CHECK(bench.house.handler.wait_end() == "refused by the peer: certificate required");
  }

  TEST_CASE("a peer that does not speak TLS, or leaves, is told apart") {
    struct Row {
      std::string says;
      bool resets;
      std::string why;
    };
    for (const Row& row :
         {Row{"hello\r\n", false, "not TLS: plain HTTP or other text"},
          Row{"", false, "the peer closed during the TLS handshake"}, Row{"", true, "connection reset by peer"}}) {
      CAPTURE(row.why);
      TlsBench bench({});
      bench.house.open(bench.options);
      auto server = bench.port.accept();
      CHECK(server.read(1).size() == 1);  // of the ClientHello
      CHECK(server.read(100).size() == 100);
      if (!row.says.empty()) {
        server.send(row.says);
      } else if (row.resets) {
        server.reset();
      } else {
        ::shutdown(server.fd(), SHUT_WR);
      }
      CHECK(bench.house.handler.wait_end() == row.why);
      CHECK(bench.house.handler.opened() == 0);
    }
  }

  TEST_CASE("the time limit covers the handshake as well") {
    TlsBench bench({});
    bench.house.open(bench.options);
    const auto server = bench.port.accept();
    CHECK(server.read(100).size() == 100);  // the ClientHello is there, so the handshake has begun
    bench.house.pass(4999);
    CHECK(bench.house.handler.ended() == 0);
    bench.house.pass(1);
    CHECK(bench.house.handler.wait_end() == "no TLS handshake within 5000 ms");
  }

  TEST_CASE("a connection that is cut without close_notify did not end in order [RFC 8446 6.1]") {
    TlsBench bench({});
    bench.house.open(bench.options);
    TlsEnd server(bench.port.accept(), bench.server);
    REQUIRE(bench.house.handler.wait_open());
    server.send("half");
    CHECK(bench.house.handler.wait_bytes(4) == "half");
    server.cut();
    CHECK(bench.house.handler.wait_end() == "the connection was cut off");
  }

  TEST_CASE("much arrives whole in both directions") {
    TlsBench bench({});
    bench.house.open(bench.options);
    const TlsEnd server(bench.port.accept(), bench.server);
    REQUIRE(bench.house.handler.wait_open());
    std::string bytes;
    for (int i = 0; i < 500'000; ++i) bytes += fmt::format("{:08}", i);
    server.send(bytes);
    CHECK(bench.house.handler.wait_bytes(bytes.size()) == bytes);
    std::string sent;
    for (std::size_t i = 0; sent.size() < 20'000'000; ++i) {
      const std::string message = fmt::format("{:0>1000}", i);
      if (!bench.house.send(message)) break;
      sent += message;
    }
    CHECK(sent.size() > ClientStream::kMaxUnsent);
    CHECK(server.read(sent.size()) == sent);
    CHECK(bench.house.send("on again"));
    CHECK(server.read(8) == "on again");
  }
}

}  // namespace
}  // namespace jl::network
