// What is agreed in a handshake, and with whom.
#include "tests/unit/daemon/network/tls_support.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::network {
namespace {

using namespace test;

Context plain_server() {
  return server_context({.bundle = bundle({make_leaf(make_ca(), {})}), .alias = {}, .mutual = false});
}

TEST_SUITE("network.tls_handshake") {
  TEST_CASE("TLS 1.2 and 1.3 are spoken, 1.0 and 1.1 are refused with protocol_version [RFC 8996]") {
    const auto server = plain_server();
    struct Row {
      int version;
      std::string_view name;
    };
    for (const Row row : {Row{TLS1_VERSION, ""}, Row{TLS1_1_VERSION, ""}, Row{TLS1_2_VERSION, "TLSv1.2"},
                          Row{TLS1_3_VERSION, "TLSv1.3"}}) {
      CAPTURE(row.version);
      const auto client = lax_client();
      SSL_CTX_set_max_proto_version(client.get(), row.version);
      Pair pair(server);
      Peer peer(pair.theirs.fd(), client);
      CHECK(pair.shake(peer) == !row.name.empty());
      CHECK(pair.ours.tls_version() == row.name);
      if (!row.name.empty()) continue;
      CHECK(pair.ours.failure() == "the peer knows neither TLS 1.2 nor 1.3");
      CHECK(peer.alert() == SSL_AD_PROTOCOL_VERSION);
    }
  }

  TEST_CASE("of TLS 1.2 only ECDHE with AEAD is accepted") {
    const auto server =
        server_context({.bundle = bundle({make_leaf(make_ca(), {.key = "RSA"})}), .alias = {}, .mutual = false});
    struct Row {
      const char* cipher;
      bool good;
    };
    for (const Row row :
         {Row{"ECDHE-RSA-AES128-GCM-SHA256", true}, Row{"ECDHE-RSA-AES256-GCM-SHA384", true},
          Row{"ECDHE-RSA-CHACHA20-POLY1305", true}, Row{"ECDHE-RSA-AES128-SHA", false},
          Row{"ECDHE-RSA-AES256-SHA384", false}, Row{"AES128-GCM-SHA256", false},
          Row{"DHE-RSA-AES128-GCM-SHA256", false}, Row{"AES256-SHA", false}, Row{"AECDH-AES128-SHA", false}}) {
      CAPTURE(row.cipher);
      const auto client = lax_client();
      SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION);
      REQUIRE(SSL_CTX_set_cipher_list(client.get(), row.cipher) == 1);
      Pair pair(server);
      Peer peer(pair.theirs.fd(), client);
      CHECK(pair.shake(peer) == row.good);
      if (!row.good) CHECK(pair.ours.failure() == "no shared cipher");
      if (!row.good) CHECK(peer.alert() == SSL_AD_HANDSHAKE_FAILURE);
    }
  }

  TEST_CASE(
      "the server's order decides among TLS 1.3 ciphers, but ChaCha20 goes first where the client puts it first") {
    const auto server = plain_server();
    struct Row {
      const char* offered;
      std::string_view chosen;
    };
    for (const Row row : {Row{"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"},
                          Row{"TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}}) {
      const auto client = lax_client();
      REQUIRE(SSL_CTX_set_ciphersuites(client.get(), row.offered) == 1);
      Pair pair(server);
      Peer peer(pair.theirs.fd(), client);
      REQUIRE(pair.shake(peer));
      CHECK(SSL_get_cipher_name(peer.ssl()) == row.chosen);
    }
  }

  TEST_CASE("X25519, P-256 and P-384 are agreed on, other groups are not") {
    const auto server = plain_server();
    for (const std::string_view group : {"X25519", "P-256", "P-384", "P-521", "X448"}) {
      CAPTURE(group);
      const auto client = lax_client();
      REQUIRE(SSL_CTX_set1_groups_list(client.get(), std::string(group).c_str()) == 1);
      Pair pair(server);
      Peer peer(pair.theirs.fd(), client);
      CHECK(pair.shake(peer) == (group != "P-521" && group != "X448"));
    }
  }

  TEST_CASE("EC, RSA and Ed25519 keys serve") {
    for (const char* key : {"EC", "RSA", "ED25519"}) {
      CAPTURE(key);
      const auto ca = make_ca();
      const auto server =
          server_context({.bundle = bundle({make_leaf(ca, {.key = key})}), .alias = {}, .mutual = false});
      Pair pair(server);
      Peer peer(pair.theirs.fd(), lax_client());
      CHECK(pair.shake(peer));
      CHECK(pair.ours.peer_subject().empty());
    }
  }

  TEST_CASE("a client comes back to its session with a ticket, but not to another context") {
    const auto material = bundle({make_leaf(make_ca(), {})});
    const auto server = server_context({.bundle = material, .alias = {}, .mutual = false});
    const auto renewed = server_context({.bundle = material, .alias = {}, .mutual = false});
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      CAPTURE(version);
      const auto client = lax_client();
      SSL_CTX_set_max_proto_version(client.get(), version);
      SSL_SESSION* session = nullptr;
      {
        Pair pair(server);
        Peer peer(pair.theirs.fd(), client);
        REQUIRE(pair.shake(peer));
        CHECK(SSL_session_reused(peer.ssl()) == 0);
        SSL_shutdown(peer.ssl());  // a session whose connection was cut off is not taken up again
        session = SSL_get1_session(peer.ssl());
      }
      for (const auto& [context, reused] : {std::pair{server, 1}, std::pair{renewed, 0}}) {
        Pair pair(context);
        Peer peer(pair.theirs.fd(), client);
        SSL_set_session(peer.ssl(), session);
        CHECK(pair.shake(peer));
        CHECK(SSL_session_reused(peer.ssl()) == reused);
      }
      SSL_SESSION_free(session);
    }
  }

  TEST_CASE("renegotiation is refused and the connection goes on") {
    const auto client = lax_client();
    SSL_CTX_set_max_proto_version(client.get(), TLS1_2_VERSION);
    Pair pair(plain_server());
    Peer peer(pair.theirs.fd(), client);
    REQUIRE(pair.shake(peer));
    REQUIRE(SSL_renegotiate(peer.ssl()) == 1);
    CHECK(SSL_do_handshake(peer.ssl()) != 1);
    peer.flush();
    CHECK(pair.read().empty());
    CHECK(pair.last.status == IoStatus::would_block);
    CHECK(pair.ours.write_some("still here").status == IoStatus::ok);
    peer.step();
    CHECK(peer.reason() == SSL_R_NO_RENEGOTIATION);
  }

  TEST_CASE("mutual TLS lets in who leads to the trust, and says why others stay out") {
    const auto ca = make_ca();
    const auto other = make_ca("Other CA");
    const auto server = server_context({.bundle = bundle({make_leaf(ca, {})}, {ca}), .alias = {}, .mutual = true});
    const auto good = make_leaf(ca, {.cn = "dev-1"});
    const auto foreign = make_leaf(other, {.cn = "dev-1"});
    const auto expired = make_leaf(ca, {.cn = "dev-1", .from = -7200, .until = -3600});
    const auto early = make_leaf(ca, {.cn = "dev-1", .from = 3600});
    struct Row {
      const char* name;
      const cert::Entry* own;
      int alert;
      std::string_view failure;
    };
    for (const Row row :
         {Row{"good", &good, 0, ""}, Row{"absent", nullptr, -1, "peer did not return a certificate"},
          Row{"foreign", &foreign, SSL_AD_UNKNOWN_CA, "unknown ca (unable to get local issuer certificate)"},
          Row{"expired", &expired, SSL_AD_CERTIFICATE_EXPIRED, "the peer's certificate has expired"},
          Row{"early", &early, SSL_AD_BAD_CERTIFICATE, "the peer's certificate is not yet valid"}}) {
      for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        CAPTURE(row.name);
        CAPTURE(version);
        const auto client = lax_client(row.own);
        SSL_CTX_set_max_proto_version(client.get(), version);
        Pair pair(server);
        Peer peer(pair.theirs.fd(), client);
        CHECK(pair.shake(peer) == (row.alert == 0));
        CHECK(pair.ours.failure() == row.failure);
        CHECK(pair.ours.peer_subject() == (row.alert == 0 ? "CN=dev-1" : ""));
        const int absent = version == TLS1_3_VERSION ? SSL_AD_CERTIFICATE_REQUIRED : SSL_AD_HANDSHAKE_FAILURE;
        CHECK(peer.alert() == (row.alert == -1 ? absent : row.alert));
        const auto* asked = SSL_get0_peer_CA_list(peer.ssl());
        CHECK(sk_X509_NAME_num(asked) == 1);
      }
    }
  }

  TEST_CASE("a resumed session remembers the client's certificate") {
    const auto ca = make_ca();
    const auto own = make_leaf(ca, {.cn = "dev-1"});
    const auto server = server_context({.bundle = bundle({make_leaf(ca, {})}, {ca}), .alias = {}, .mutual = true});
    const auto client = lax_client(&own);
    Pair first(server);
    Peer before(first.theirs.fd(), client);
    REQUIRE(first.shake(before));
    Pair second(server);
    Peer after(second.theirs.fd(), client);
    SSL_set_session(after.ssl(), SSL_get0_session(before.ssl()));
    REQUIRE(second.shake(after));
    CHECK(SSL_session_reused(after.ssl()) == 1);
    CHECK(second.ours.peer_subject() == "CN=dev-1");
  }

  TEST_CASE("SNI chooses among several entries: exact, then one label of wildcard, then the first (network.md 5.4)") {
    const auto ca = make_ca();
    auto named = [&](const char* alias, const Leaf& leaf) {
      auto entry = make_leaf(ca, leaf);
      entry.alias = alias;
      return entry;
    };
    const auto material =
        bundle({named("one", {.cn = "one.example"}), named("wild", {.cn = "wild", .sans = "DNS:*.b.example"}),
                named("two", {.cn = "two", .sans = "DNS:Two.Example,DNS:x.b.example"})});
    const auto server = server_context({.bundle = material, .alias = {}, .mutual = false});
    struct Row {
      std::string name;
      std::string_view cn;
    };
    for (const Row& row : {Row{"", "one.example"}, Row{"one.example", "one.example"}, Row{"two.example", "two"},
                           Row{"TWO.example", "two"}, Row{"x.b.example", "two"}, Row{"y.b.example", "wild"},
                           Row{"z.y.b.example", "one.example"}, Row{"b.example", "one.example"},
                           Row{"nobody", "one.example"}, Row{".b.example", "one.example"}}) {
      CAPTURE(row.name);
      Pair pair(server);
      Peer peer(pair.theirs.fd(), lax_client(), row.name);
      REQUIRE(pair.shake(peer));
      std::array<char, 64> cn{};
      X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(peer.ssl())), NID_commonName, cn.data(),
                                cn.size());
      CHECK(std::string_view(cn.data()) == row.cn);
    }
    const auto chosen = server_context({.bundle = material, .alias = "two", .mutual = false});
    Pair pair(chosen);
    Peer peer(pair.theirs.fd(), lax_client(), "one.example");
    CHECK(pair.shake(peer));
    CHECK(X509_cmp(SSL_get0_peer_certificate(peer.ssl()), material->entries[2].chain.front().get()) == 0);
  }

  TEST_CASE("what cannot serve is refused when the context is made, with the field at fault") {
    const auto ca = make_ca();
    const auto good = make_leaf(ca, {});
    auto mixed = good;
    mixed.key = make_key("EC");
    auto keyless = good;
    keyless.key = nullptr;
    struct Row {
      TlsServerOptions options;
      std::string_view field;
    };
    for (const Row& row : {Row{{.bundle = nullptr, .alias = {}, .mutual = false}, "certId"},
                           Row{{.bundle = bundle({}), .alias = {}, .mutual = false}, "key"},
                           Row{{.bundle = bundle({keyless}), .alias = {}, .mutual = false}, "key"},
                           Row{{.bundle = bundle({mixed}), .alias = {}, .mutual = false}, "key"},
                           Row{{.bundle = bundle({good}), .alias = {}, .mutual = true}, "trust"}}) {
      CAPTURE(row.field);
      const auto made = TlsContext::server(row.options);
      REQUIRE(made.has_error());
      CHECK(made.error().code == Errc::invalid);
      CHECK(made.error().field == row.field);
    }
  }
}

}  // namespace
}  // namespace jl::network
