// The certificates of a UDP server's DTLS sessions, its own and its peers'.
#include "tests/unit/daemon/network/dtls_support.hpp"

#include <doctest/doctest.h>

namespace jl::network {
namespace {

using namespace test;

TEST_SUITE("network.dtls_certificates") {
  TEST_CASE("with mutual authentication the handler is told the subject that the client has proven") {
    const auto ca = make_ca(), stranger = make_ca("Stranger");
    const auto own = make_leaf(ca, {.cn = "dev-1"}), foreign = make_leaf(stranger, {.cn = "dev-1"});
    DtlsHouse house;
    house.options.dtls = dtls_context({.bundle = bundle({make_leaf(ca, {})}, {ca}), .alias = {}, .mutual = true});
    house.start();
    DtlsClient client(house.port(), dtls_client(&own));
    REQUIRE(client.shake());
    client.write("me");
    CHECK(client.read() == "me");
    CHECK(house.handler->seen().front().subject == "CN=dev-1");
    DtlsClient without(house.port());
    CHECK_FALSE(without.shake());
    CHECK(without.alert() == SSL_AD_HANDSHAKE_FAILURE);
    DtlsClient wrong(house.port(), dtls_client(&foreign));
    CHECK_FALSE(wrong.shake());
    CHECK(wrong.alert() == SSL_AD_UNKNOWN_CA);
    CHECK(house.becomes(house.counters().dtls_failures, 2));
    CHECK(house.counters().sessions == 1);
    CHECK(house.handler->seen().size() == 1);
    CHECK(house.handler->gone().empty());
  }

  TEST_CASE("a resumed session still proves who the client is") {
    const auto ca = make_ca();
    const auto own = make_leaf(ca, {.cn = "dev-1"});
    DtlsHouse house;
    house.options.dtls = dtls_context({.bundle = bundle({make_leaf(ca, {})}, {ca}), .alias = {}, .mutual = true});
    house.start();
    const auto context = dtls_client(&own);
    DtlsClient before(house.port(), context), after(house.port(), context);
    REQUIRE(before.shake());
    SSL_set_session(after.ssl(), SSL_get0_session(before.ssl()));
    REQUIRE(after.shake());
    CHECK(SSL_session_reused(after.ssl()) == 1);
    after.write("me");
    CHECK(after.read() == "me");
    CHECK(house.handler->seen().front().subject == "CN=dev-1");
  }

  TEST_CASE("SNI chooses among several entries, as over TCP") {
    const auto ca = make_ca();
    auto one = make_leaf(ca, {.cn = "one.example"}), two = make_leaf(ca, {.cn = "two.example"});
    one.alias = "one";
    two.alias = "two";
    DtlsHouse house;
    house.options.dtls = dtls_context({.bundle = bundle({one, two}), .alias = {}, .mutual = false});
    house.start();
    DtlsClient client(house.port());
    std::string name = "two.example";
    SSL_ctrl(client.ssl(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data());
    REQUIRE(client.shake());
    CHECK(X509_cmp(SSL_get0_peer_certificate(client.ssl()), two.chain[0].get()) == 0);
  }

  TEST_CASE("a renewed certificate is for new sessions; open ones stay") {
    const auto first = make_leaf(make_ca(), {}), second = make_leaf(make_ca(), {});
    DtlsHouse house;
    house.options.dtls = dtls_context({.bundle = bundle({first}), .alias = {}, .mutual = false});
    house.start();
    DtlsClient before(house.port()), after(house.port());
    REQUIRE(before.shake());
    CHECK(X509_cmp(SSL_get0_peer_certificate(before.ssl()), first.chain[0].get()) == 0);
    house.options.dtls = dtls_context({.bundle = bundle({second}), .alias = {}, .mutual = false});
    house.server->update(house.options);
    REQUIRE(after.shake());
    CHECK(X509_cmp(SSL_get0_peer_certificate(after.ssl()), second.chain[0].get()) == 0);
    before.write("still here");
    CHECK(before.read() == "still here");
    house.options.dtls = nullptr;  // never: what was secure stays so
    house.server->update(house.options);
    DtlsClient last(house.port());
    REQUIRE(last.shake());
  }
}

}  // namespace
}  // namespace jl::network
