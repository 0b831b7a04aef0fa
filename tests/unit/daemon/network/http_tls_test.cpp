// The HTTP server behind TLS.
#include "tests/support/websocket_frames.hpp"
#include "tests/unit/daemon/network/http_support.hpp"
#include "tests/unit/daemon/network/tls_client.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::network {
namespace {

using namespace test;

struct HttpsHouse : HttpHouse {
  explicit HttpsHouse(bool mutual = false) {
    options.tls = server_context({.bundle = bundle({make_leaf(ca, {})}, {ca}), .alias = {}, .mutual = mutual});
  }
  const cert::Entry ca = make_ca();
};

TEST_SUITE("network.http_tls") {
  TEST_CASE("requests are served through TLS, the handler learns who the client is, the end is a close_notify") {
    HttpsHouse house(true);
    std::string subject;
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest& request) {
      subject = connection.tls_subject();
      connection.respond({.body = std::string(request.path), .content_type = "text/plain"});
    };
    house.start();
    const auto own = make_leaf(house.ca, {.cn = "dev-1"});
    const TlsClient client(house.port(), lax_client(&own));
    REQUIRE(client.shaken());
    client.send(get("/a") + get("/b", kClose));
    const std::string answers = ok_response("/a") + ok_response("/b", kClose);
    CHECK(client.read(answers.size()) == answers);
    CHECK(client.read_end().first == SSL_ERROR_ZERO_RETURN);
    CHECK(subject == "CN=dev-1");
    CHECK(house.counters().tls_handshakes == 1);
    CHECK(house.counters().received_messages == 2);
  }

  TEST_CASE("requests that TLS had read already are served after a later answer") {
    HttpsHouse house;
    const auto prompt = house.handler->answer;
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest& request) {
      if (request.path != "/wait") prompt(connection, request);
    };
    house.start();
    const TlsClient client(house.port(), lax_client());
    REQUIRE(client.shaken());
    client.send(get("/wait"));
    client.send(get("/a"));
    client.send(get("/b", kClose));
    CHECK(eventually([&] { return house.handler->count("GET /wait") == 1; }));
    const auto connection = house.handler->last();
    settle(house.threads.at(0));
    CHECK(house.handler->log().size() == 1);
    run_on(connection->thread(), [&] { connection->respond({.body = "late", .content_type = "text/plain"}); });
    const std::string answers = ok_response("late") + ok_response("GET /a") + ok_response("GET /b", kClose);
    CHECK(client.read(answers.size()) == answers);
    CHECK(client.read_end().first == SSL_ERROR_ZERO_RETURN);
  }

  TEST_CASE("a WebSocket through TLS is closed in order") {
    HttpsHouse house;
    house.handler->take = [](HttpConnection& connection, std::string_view message, bool text) {
      CHECK(connection.send(message, text));
    };
    house.start();
    const TlsClient client(house.port(), lax_client());
    REQUIRE(client.shaken());
    client.send(get("/s",
                    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
    const std::string switching = "HTTP/1.1 101 Switching Protocols\r\n" + kDateField +
                                  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                                  "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    CHECK(client.read(switching.size()) == switching);
    const std::string message(100'000, 'm');
    client.send(jl::test::text_frame(message));
    const std::string echo = jl::test::server_frame(0x81, message);
    CHECK(client.read(echo.size()) == echo);
    client.send(jl::test::close_frame(1000));
    CHECK(client.read(4) == jl::test::server_close(1000));
    CHECK(client.read_end().first == SSL_ERROR_ZERO_RETURN);
    CHECK(house.handler->log().back() == "close");
  }

  TEST_CASE("plain HTTP on a TLS port ends at once and is logged as that") {
    const Warnings warnings;
    HttpsHouse house;
    house.start();
    const HttpClient client(house.port());
    client.send(get("/a"));
    CHECK(client.read_all().empty());
    CHECK(house.counters().tls_failures == 1);
    CHECK(house.handler->log().empty());
    CHECK(warnings.has("TLS handshake failed component=test"));
  }

  TEST_CASE("TLS on a plain port ends at once and is logged as that") {
    const Warnings warnings;
    HttpHouse house;
    house.start();
    const TlsClient client(house.port(), lax_client());
    CHECK_FALSE(client.shaken());
    CHECK(house.counters().protocol_errors == 1);
    CHECK(warnings.has("TLS on a port in the clear"));
  }

  TEST_CASE("a handshake that does not end in time counts against connect_timeout") {
    HttpsHouse house;
    house.options.connect_timeout = std::chrono::seconds(10);
    house.start();
    const HttpClient client(house.port());
    client.send("\x16\x03\x01");
    house.wait_open(1);
    house.pass(10'500);
    CHECK(client.at_end());
    CHECK(house.counters().tls_failures == 1);
    CHECK(house.counters().rejected == 1);
  }
}

}  // namespace
}  // namespace jl::network
