// The MQTT server behind TLS: what its connections do with it, and what they make of peers that do not.
#include "tests/unit/daemon/network/mqtt_support.hpp"
#include "tests/unit/daemon/network/tls_client.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::network {
namespace {

using namespace test;

struct TlsHouse : MqttHouse {
  explicit TlsHouse(bool mutual = false) {
    options.tls = server_context({.bundle = bundle({make_leaf(ca, {})}, {ca}), .alias = {}, .mutual = mutual});
  }
  const cert::Entry ca = make_ca();
};

TEST_SUITE("network.mqtt_tls") {
  TEST_CASE("a client is served through TLS and said goodbye to with close_notify") {
    TlsHouse house(true);
    std::string subject, version;
    house.handler->decide = [&](MqttConnection& connection, const auto&) {
      subject = connection.tls_subject();
      version = connection.tls_version();
      connection.accept({});
    };
    house.start();
    const auto own = make_leaf(house.ca, {.cn = "dev-1"});
    const TlsClient client(house.port(), lax_client(&own));
    REQUIRE(client.shaken());
    client.send(connect({.client_id = "dev-1"}) + publish("/a/b", "hello", 1, 7));
    CHECK(client.read(8) == kConnackOk + puback(7));
    client.send(kDisconnect);
    CHECK(client.read_end().first == SSL_ERROR_ZERO_RETURN);
    CHECK(house.handler->wait_closed(1)[0].cause == CloseCause::client_disconnect);
    CHECK(subject == "CN=dev-1");
    CHECK(version == "TLSv1.3");
    const auto& c = house.counters();
    CHECK(c.tls_handshakes == 1);
    CHECK(c.tls_failures == 0);
    CHECK(c.received_messages == 1);
    CHECK(c.sent_bytes == kConnackOk.size() + puback(7).size());
  }

  TEST_CASE("in the clear there is no subject and no version") {
    MqttHouse house;
    house.handler->decide = [&](MqttConnection& connection, const auto&) {
      CHECK(connection.tls_subject().empty());
      CHECK(connection.tls_version().empty());
      connection.accept({});
    };
    house.start();
    const MqttClient client(house.port(), {});
    CHECK(house.counters().tls_handshakes == 0);
  }

  TEST_CASE("a client without the certificate that is asked for reads the alert that says so, not a reset") {
    const Warnings warnings;
    TlsHouse house(true);
    house.start();
    const TlsClient client(house.port(), lax_client());
    REQUIRE(client.shaken());  // of TLS 1.3: the server judges later
    static_cast<void>(SSL_write(client.ssl(), "early", 5));
    CHECK(client.read_end() == std::pair{SSL_ERROR_SSL, SSL_AD_REASON_OFFSET + SSL_AD_CERTIFICATE_REQUIRED});
    CHECK(eventually([&] { return house.counters().tls_failures == 1; }));
    CHECK(house.counters().tls_handshakes == 0);
    CHECK(eventually([&] { return warnings.has("peer did not return a certificate"); }));
    CHECK(house.handler->log().empty());
  }

  TEST_CASE("plain MQTT on a TLS port ends at once and is logged as that") {
    const Warnings warnings;
    TlsHouse house;
    house.start();
    const MqttClient client(house.port());
    client.send(connect({}));
    CHECK(client.at_end());
    CHECK(house.counters().tls_failures == 1);
    CHECK(warnings.has("TLS handshake failed component=test"));
    CHECK(warnings.has("not TLS: plain MQTT"));
  }

  TEST_CASE("TLS on a plain port ends at once and is logged as that") {
    const Warnings warnings;
    MqttHouse house;
    house.start();
    const TlsClient client(house.port(), lax_client());
    CHECK_FALSE(client.shaken());
    CHECK(house.counters().protocol_errors == 1);
    CHECK(warnings.has("TLS on a port in the clear"));
  }

  TEST_CASE("who connects and leaves without a byte is no failed handshake") {
    TlsHouse house;
    house.start();
    { const MqttClient client(house.port()); }
    CHECK(eventually([&] { return house.counters().accepted == 1; }));
    CHECK(house.is_empty());
    CHECK(house.counters().tls_failures == 0);
  }

  TEST_CASE("the connect timeout covers the handshake") {
    for (const std::string_view begun : {"", "\x16\x03\x01"}) {
      TlsHouse house;
      house.start();
      const MqttClient client(house.port());
      if (!begun.empty()) client.send(begun);
      CHECK(eventually([&] { return house.counters().connections == 1; }));
      settle(house.threads.at(0));
      house.pass(9'000);
      CHECK(client.is_quiet());
      house.pass(2'000);
      CHECK(client.at_end());
      CHECK(house.counters().tls_failures == 1);
      house.pass(2'000);
      CHECK(house.is_empty());
    }
  }

  TEST_CASE("a renewed certificate is shown to new connections, and open ones stay") {
    TlsHouse house;
    house.start();
    const auto name_of = [](const TlsClient& client) {
      std::array<char, 64> cn{};
      X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(client.ssl())), NID_commonName,
                                cn.data(), cn.size());
      return std::string(cn.data());
    };
    const TlsClient old(house.port(), lax_client());
    REQUIRE(old.shaken());
    old.send(connect({.client_id = "old"}));
    REQUIRE(old.read(4) == kConnackOk);
    house.options.tls =
        server_context({.bundle = bundle({make_leaf(house.ca, {.cn = "renewed"})}), .alias = {}, .mutual = false});
    house.server->update(house.options);
    const TlsClient fresh(house.port(), lax_client());
    REQUIRE(fresh.shaken());
    CHECK(name_of(old) == "gateway.example");
    CHECK(name_of(fresh) == "renewed");
    fresh.send(connect({.client_id = "fresh"}));
    CHECK(fresh.read(4) == kConnackOk);
    old.send(kPingreq);
    CHECK(old.read(2) == kPingresp);
    CHECK(house.counters().tls_handshakes == 2);
  }

  TEST_CASE("a burst of many records is read to its last byte, also when the handler decides late") {
    TlsHouse house;
    std::atomic<std::size_t> taken{0};
    house.options.limits.max_packet = 1u << 20u;
    house.handler->decide = [&](MqttConnection& connection, const auto&) {
      connection.thread().post([weak = connection.weak_from_this()] {
        if (const auto strong = weak.lock()) strong->accept({});
      });
    };
    house.handler->take = [&](auto&, const auto& view) {
      taken += view.payload.size();
      return ReasonCode::success;
    };
    house.start();
    const TlsClient client(house.port(), lax_client());
    REQUIRE(client.shaken());
    const std::string payload(30'000, 'p');
    std::string burst = connect({});
    for (int i = 0; i < 40; ++i) burst += publish("/t", payload);
    client.send(burst + publish("/t", "last", 1, 9));
    CHECK(client.read(8) == kConnackOk + puback(9));
    CHECK(taken == 40 * payload.size() + 4);
  }

  TEST_CASE("back-pressure on a client that does not read ends when it does, and nothing is lost") {
    TlsHouse house;
    const std::string big(100'000, 'b');
    house.handler->take = [&](MqttConnection& connection, const auto&) {
      CHECK(connection.publish({.topic = "/down", .payload = big}));
      return ReasonCode::success;
    };
    house.options.max_send_bytes = 64u << 20u;
    house.start();
    const TlsClient client(house.port(), lax_client());
    REQUIRE(client.shaken());
    client.send(connect({}) + subscribe("/down", 0, 1));
    CHECK(client.read(4) == kConnackOk);
    REQUIRE(client.read(5).size() == 5);
    constexpr std::size_t kCount = 200;
    std::string burst;
    for (std::size_t i = 0; i < kCount; ++i) burst += publish("/up", "x");
    client.send(burst + kPingreq);
    const std::size_t each = publish("/down", big).size();
    CHECK(client.read(kCount * each + 2).size() == kCount * each + 2);
    client.send(kPingreq);
    CHECK(client.read(2) == kPingresp);
  }

  TEST_CASE("a connection over the limit hears so through TLS") {
    TlsHouse house;
    house.options.max_connections = 0;
    house.start();
    const TlsClient client(house.port(), lax_client());
    REQUIRE(client.shaken());
    client.send(connect({}));
    CHECK(client.read(4) == connack(3));
    CHECK(client.read_end().first == SSL_ERROR_ZERO_RETURN);
  }

  TEST_CASE("stopping ends handshakes and served clients alike") {
    TlsHouse house;
    house.start();
    const MqttClient silent(house.port());
    const TlsClient served(house.port(), lax_client());
    REQUIRE(served.shaken());
    served.send(connect({.version = 5}));
    REQUIRE(served.read(2).size() == 2);
    house.server->stop(std::chrono::milliseconds(0));
    CHECK(house.counters().connections == 0);
    CHECK(silent.at_end());
    while (!served.read(1).empty()) continue;
    CHECK(served.read_end().first == SSL_ERROR_ZERO_RETURN);
  }
}

}  // namespace
}  // namespace jl::network
