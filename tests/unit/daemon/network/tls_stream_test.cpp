// How bytes move through TLS, and how it ends; and our own client side.
#include "tests/unit/daemon/network/tls_support.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::network {
namespace {

using namespace test;

Context plain_server() {
  return server_context({.bundle = bundle({make_leaf(make_ca(), {})}), .alias = {}, .mutual = false});
}

std::string pattern(std::size_t size) {
  std::string out(size, '\0');
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 7 + i / 251);
  return out;
}

void shrink(const Stream& stream) {
  const int tiny = 2048;
  ::setsockopt(stream.fd(), SOL_SOCKET, SO_SNDBUF, &tiny, sizeof tiny);
  ::setsockopt(stream.fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny);
}

/// Two streams of ours on a pair of sockets; drives the handshake. Whether both are content.
struct Both {
  Both(const Context& server, const Context& client) {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    listening = Stream(fds[0]);
    dialling = Stream(fds[1]);
    REQUIRE(listening.secure(server).has_value());
    REQUIRE(dialling.secure(client).has_value());
    for (int round = 0; round < 20 && !over(); ++round) {
      client_last = dialling.read_some(buffer);
      server_last = listening.read_some(buffer);
    }
    client_last = dialling.read_some(buffer);
    server_last = listening.read_some(buffer);
  }
  [[nodiscard]] bool over() const {
    return (listening.handshake_done() && dialling.handshake_done()) || server_last.status == IoStatus::failed;
  }
  [[nodiscard]] bool good() const {
    return client_last.status == IoStatus::would_block && server_last.status == IoStatus::would_block &&
           listening.handshake_done() && dialling.handshake_done();
  }
  Stream listening, dialling;
  IoResult client_last{IoStatus::would_block, 0}, server_last{IoStatus::would_block, 0};
  std::array<char, 65536> buffer{};
};

TEST_SUITE("network.tls_stream") {
  TEST_CASE("a stream in the clear has no part of TLS") {
    const SocketPair pair;
    Stream stream(::dup(pair.ours()));
    CHECK_FALSE(stream.is_secure());
    CHECK(stream.handshake_done());
    CHECK_FALSE(stream.has_pending());
    CHECK((stream.failure().empty() && stream.peer_subject().empty() && stream.tls_version().empty()));
    Stream moved;
    moved = std::move(stream);
    CHECK(moved.write_some("x").bytes == 1);
    CHECK(moved.shutdown_write());
  }

  TEST_CASE("a handshake that comes byte by byte succeeds, and so does what follows it") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      const auto client = lax_client();
      SSL_CTX_set_max_proto_version(client.get(), version);
      Pair pair(plain_server());
      Peer peer(pair.theirs.fd(), client);
      REQUIRE(pair.shake(peer, 1));
      peer.write("hello");
      std::string got;
      while (peer.has_output()) {
        peer.flush(1);
        got += pair.read();
      }
      CHECK(got == "hello");
      CHECK_FALSE(pair.ours.has_pending());
    }
  }

  TEST_CASE("data that comes with the end of the handshake is read by the same call") {
    Pair pair(plain_server());
    Peer peer(pair.theirs.fd(), lax_client());
    peer.step();
    CHECK(pair.ours.read_some(pair.buffer).status == IoStatus::would_block);
    peer.step(0);
    REQUIRE(peer.done());
    peer.write("early bird");
    peer.flush();
    CHECK(pair.ours.read_some(pair.buffer).bytes == 10);
    CHECK(pair.ours.handshake_done());
  }

  TEST_CASE("a megabyte goes both ways through tiny socket buffers") {
    Pair pair(plain_server());
    shrink(pair.ours), shrink(pair.theirs);
    Peer peer(pair.theirs.fd(), lax_client());
    REQUIRE(pair.shake(peer));
    const std::string sent = pattern(std::size_t{1} << 20u);
    peer.write(sent);
    std::string got_here, got_there;
    std::size_t written = 0;
    bool was_blocked = false;
    for (int round = 0; round < 100'000 && (got_here.size() < sent.size() || got_there.size() < sent.size()); ++round) {
      const IoResult result = pair.ours.write_some(std::string_view(sent).substr(written));
      REQUIRE((result.status == IoStatus::ok || result.status == IoStatus::would_block));
      was_blocked |= result.status == IoStatus::would_block;
      written += result.bytes;
      got_there += peer.read();
      got_here += pair.read();
      REQUIRE(pair.last.status == IoStatus::would_block);
    }
    CHECK(was_blocked);
    CHECK(got_here == sent);
    CHECK(got_there == sent);
  }

  TEST_CASE("a handshake whose flight does not fit the socket says that it must write") {
    auto big = make_leaf(make_ca(), {});
    for (int i = 0; i < 40; ++i) big.chain.push_back(make_ca("Filler " + std::to_string(i)).chain.front());
    Pair pair(server_context({.bundle = bundle({big}), .alias = {}, .mutual = false}));
    shrink(pair.ours);
    Peer peer(pair.theirs.fd(), lax_client());
    peer.step();
    CHECK(pair.ours.read_some(pair.buffer).status == IoStatus::want_write);
    CHECK(pair.shake(peer));
  }

  TEST_CASE("a short buffer leaves bytes pending that the socket does not know of") {
    Pair pair(plain_server());
    Peer peer(pair.theirs.fd(), lax_client());
    REQUIRE(pair.shake(peer));
    peer.write("0123456789");
    peer.flush();
    CHECK(pair.ours.read_some({pair.buffer.data(), 4}).bytes == 4);
    CHECK(pair.ours.has_pending());
    CHECK(pair.ours.discard_some(pair.buffer).status == IoStatus::would_block);
    CHECK(pair.ours.read_some({pair.buffer.data(), 64}).bytes == 6);
    CHECK_FALSE(pair.ours.has_pending());
  }

  TEST_CASE("a close_notify is the end, also behind data, and is answered [RFC 8446 6.1]") {
    Pair pair(plain_server());
    Peer peer(pair.theirs.fd(), lax_client());
    REQUIRE(pair.shake(peer));
    peer.write("bye");
    SSL_shutdown(peer.ssl());
    peer.flush();
    CHECK(pair.ours.read_some(pair.buffer).bytes == 3);
    CHECK(pair.ours.has_pending());
    CHECK(pair.ours.read_some(pair.buffer).status == IoStatus::end);
    CHECK(pair.ours.shutdown_write());
    peer.step();
    CHECK(SSL_shutdown(peer.ssl()) == 1);
  }

  TEST_CASE("close() says close_notify when nothing was said before") {
    Pair pair(plain_server());
    Peer peer(pair.theirs.fd(), lax_client());
    REQUIRE(pair.shake(peer));
    pair.ours.close();
    CHECK(peer.read().empty());
    CHECK((SSL_get_shutdown(peer.ssl()) & SSL_RECEIVED_SHUTDOWN) != 0);
  }

  TEST_CASE("a close_notify that does not fit the socket is said later") {
    Pair pair(plain_server());
    shrink(pair.ours);
    Peer peer(pair.theirs.fd(), lax_client());
    REQUIRE(pair.shake(peer));
    while (::send(pair.ours.fd(), "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) continue;
    CHECK_FALSE(pair.ours.shutdown_write());
    while (pair.theirs.discard_some(pair.buffer).status == IoStatus::ok) continue;
    CHECK(pair.ours.shutdown_write());
    const IoResult notify = pair.theirs.discard_some(pair.buffer);
    CHECK(notify.bytes > 0);
    CHECK(pair.theirs.discard_some(pair.buffer).status == IoStatus::end);
  }

  TEST_CASE("a connection that is cut off is no orderly end [RFC 8446 6.1]") {
    Pair pair(plain_server());
    {
      Peer peer(pair.theirs.fd(), lax_client());
      REQUIRE(pair.shake(peer));
      peer.write("half a mess");
      peer.flush();
    }
    pair.theirs.close();
    CHECK(pair.ours.read_some(pair.buffer).bytes == 11);
    CHECK(pair.ours.read_some(pair.buffer).status == IoStatus::failed);
    CHECK(pair.ours.failure() == "the connection was cut off");
    CHECK(pair.ours.read_some(pair.buffer).status == IoStatus::failed);
    CHECK(pair.ours.write_some("x").status == IoStatus::failed);
  }

  TEST_CASE("who leaves without a word has failed at nothing; within the handshake it is a failure") {
    Pair silent(plain_server());
    silent.theirs.close();
    CHECK(silent.ours.read_some(silent.buffer).status == IoStatus::end);
    Pair rude(plain_server());
    Peer peer(rude.theirs.fd(), lax_client());
    peer.step(20);
    rude.theirs.close();
    CHECK(rude.ours.read_some(rude.buffer).status == IoStatus::would_block);  // what did come is read first
    CHECK(rude.ours.read_some(rude.buffer).status == IoStatus::failed);
    CHECK(rude.ours.failure() == "the peer left during the handshake");
  }

  TEST_CASE("what is no TLS is told by its first byte, and gets no alert for an answer") {
    struct Row {
      std::string bytes;
      std::string_view failure;
    };
    for (const Row& row : {Row{std::string("\x10\x10\0\x04MQTT\x04", 9), "not TLS: plain MQTT"},
                           Row{"GET / HTTP/1.1\r\n\r\n", "not TLS: plain HTTP or other text"}, Row{"\x80", "not TLS"},
                           Row{std::string(1, '\0'), "not TLS"}}) {
      Pair pair(plain_server());
      CHECK(pair.theirs.write_some(row.bytes).status == IoStatus::ok);
      CHECK(pair.ours.read_some(pair.buffer).status == IoStatus::failed);
      CHECK(pair.ours.failure() == row.failure);
      CHECK(pair.theirs.discard_some(pair.buffer).status == IoStatus::would_block);
    }
  }

  TEST_CASE("garbage in the shape of records, and a broken record later, end the connection with an alert") {
    Pair pair(plain_server());
    CHECK(pair.theirs.write_some(std::string("\x16\x03\x01\0\x05\x63\0\0\x01\0", 10)).bytes == 10);
    CHECK(pair.ours.read_some(pair.buffer).status == IoStatus::failed);
    CHECK_FALSE(pair.ours.failure().empty());
    CHECK(pair.theirs.discard_some(pair.buffer).status == IoStatus::ok);

    Pair later(plain_server());
    Peer peer(later.theirs.fd(), lax_client());
    REQUIRE(later.shake(peer));
    CHECK(later.theirs.write_some("\x17\x03\x03" + std::string(1, '\0') + std::string("\x20") + pattern(32)).bytes ==
          37);
    CHECK(later.ours.read_some(later.buffer).status == IoStatus::failed);
    peer.read();
    CHECK(peer.alert() == SSL_AD_BAD_RECORD_MAC);
  }

  TEST_CASE("a flood of key updates does not hold the thread") {
    Pair pair(plain_server());
    Peer peer(pair.theirs.fd(), lax_client());
    REQUIRE(pair.shake(peer));
    for (int i = 0; i < 5000; ++i) {
      REQUIRE(SSL_key_update(peer.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
      REQUIRE(SSL_do_handshake(peer.ssl()) == 1);
    }
    peer.write("after");
    peer.flush();
    REQUIRE_FALSE(peer.has_output());
    CHECK(pair.ours.read_some(pair.buffer).status == IoStatus::would_block);
    CHECK(pair.ours.has_pending());
    int rounds = 1;
    while (pair.ours.read_some(pair.buffer).bytes == 0 && rounds < 10) ++rounds;
    CHECK(rounds < 10);
    CHECK(std::string_view(pair.buffer.data(), 5) == "after");
  }
}

TEST_SUITE("network.tls_client") {
  TEST_CASE("the peer's chain, dates and name are checked unless the name is waived") {
    const auto ca = make_ca();
    const auto other = make_ca("Other CA");
    const auto good = make_leaf(ca, {.cn = "broker", .sans = "DNS:broker.example,DNS:*.w.example,IP:127.0.0.1"});
    const auto expired = make_leaf(ca, {.cn = "broker", .sans = "DNS:broker.example", .from = -7200, .until = -60});
    const auto self = sign({.cn = "broker", .sans = "DNS:broker.example"}, nullptr, false);
    const std::string_view other_host = "the peer's certificate is for another host";
    struct Row {
      const char* name;
      const cert::Entry* server;
      std::vector<cert::Entry> trust;
      std::string host;
      bool verify_host;
      std::string_view failure;
    };
    for (const Row& row :
         {Row{"name", &good, {ca}, "broker.example", true, ""}, Row{"wildcard", &good, {ca}, "x.w.example", true, ""},
          Row{"address", &good, {ca}, "127.0.0.1", true, ""},
          Row{"other name", &good, {ca}, "evil.example", true, other_host},
          Row{"two labels of wildcard", &good, {ca}, "y.x.w.example", true, other_host},
          Row{"other address", &good, {ca}, "127.0.0.2", true, other_host},
          Row{"other name waived", &good, {ca}, "evil.example", false, ""},
          Row{"no name waived", &good, {ca}, "", false, ""},
          Row{"unknown ca",
              &good,
              {other},
              "broker.example",
              true,
              "unknown ca (unable to get local issuer certificate)"},
          Row{"unknown ca, name waived",
              &good,
              {other},
              "broker.example",
              false,
              "unknown ca (unable to get local issuer certificate)"},
          Row{"expired", &expired, {ca}, "broker.example", true, "the peer's certificate has expired"},
          Row{"pinned", &self, {self}, "broker.example", true, ""},
          Row{"system trust", &self, {}, "broker.example", true, "unknown ca (self-signed certificate)"}}) {
      CAPTURE(row.name);
      Both both(server_context({.bundle = bundle({*row.server}), .alias = {}, .mutual = false}),
                client_context({.bundle = bundle({}, row.trust),
                                .alias = {},
                                .mutual = false,
                                .verify_host = row.verify_host,
                                .host = row.host}));
      CHECK(both.good() == row.failure.empty());
      CHECK(both.dialling.failure() == row.failure);
      CHECK((row.failure.empty() || both.listening.failure().starts_with("refused by the peer: ")));
    }
  }

  TEST_CASE("a mutual client presents its certificate, others none") {
    const auto ca = make_ca();
    const auto server = server_context(
        {.bundle = bundle({make_leaf(ca, {.sans = "DNS:broker.example"})}, {ca}), .alias = {}, .mutual = true});
    const auto material = bundle({make_leaf(ca, {.cn = "gateway-7"})}, {ca});
    for (const bool mutual : {true, false}) {
      Both both(
          server,
          client_context(
              {.bundle = material, .alias = {}, .mutual = mutual, .verify_host = true, .host = "broker.example"}));
      CHECK(both.good() == mutual);
      CHECK(both.listening.peer_subject() == (mutual ? "CN=gateway-7" : ""));
      CHECK(both.dialling.failure() == (mutual ? "" : "refused by the peer: certificate required"));
      if (mutual) CHECK(both.dialling.peer_subject() == "CN=gateway.example");
    }
  }

  TEST_CASE("writing first drives the handshake and waits for the socket to be readable") {
    const auto ca = make_ca();
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    Stream listening(fds[0]), dialling(fds[1]);
    REQUIRE(listening.secure(server_context({.bundle = bundle({make_leaf(ca, {})}), .alias = {}, .mutual = false}))
                .has_value());
    REQUIRE(dialling
                .secure(client_context(
                    {.bundle = bundle({}, {ca}), .alias = {}, .mutual = false, .verify_host = false, .host = {}}))
                .has_value());
    CHECK(dialling.write_some("first").status == IoStatus::want_read);
    std::array<char, 64> buffer{};
    CHECK(listening.read_some(buffer).status == IoStatus::would_block);
    CHECK(dialling.write_some("first").bytes == 5);
    CHECK(listening.read_some(buffer).bytes == 5);
  }

  TEST_CASE("a client context without what it needs is refused with the field at fault") {
    struct Row {
      TlsClientOptions options;
      std::string_view field;
    };
    for (const Row& row :
         {Row{{.bundle = nullptr, .alias = {}, .mutual = false, .verify_host = true, .host = ""}, "host"},
          Row{{.bundle = nullptr, .alias = {}, .mutual = true, .verify_host = true, .host = "h"}, "certId"}}) {
      const auto made = TlsContext::client(row.options);
      REQUIRE(made.has_error());
      CHECK(made.error().field == row.field);
    }
    const auto made =
        TlsContext::client({.bundle = bundle({}), .alias = {}, .mutual = true, .verify_host = true, .host = "h"});
    CHECK(made.has_error());
  }
}

}  // namespace
}  // namespace jl::network
