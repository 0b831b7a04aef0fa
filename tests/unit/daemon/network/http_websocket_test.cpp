// WebSocket connections of the HTTP server: handshake, messages, silence, the ways to end.
#include "tests/support/websocket_frames.hpp"
#include "tests/unit/daemon/network/http_support.hpp"

#include <doctest/doctest.h>
#include <future>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;
using namespace jl::test;

constexpr Millis kTick = 2 * TimerWheel::kResolution;
const std::string kSwitching = "HTTP/1.1 101 Switching Protocols\r\n" + kDateField +
                               "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
                               "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

std::string handshake(std::string_view target, std::string_view fields = {}) {
  return get(target,
             fmt::format("Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{}",
                         fields));
}

class WebSocketClient : public HttpClient {
 public:
  using HttpClient::HttpClient;
  WebSocketClient(const HttpHouse& house, std::string_view target) : HttpClient(house.port()) {
    send(handshake(target));
    REQUIRE(read_response() == kSwitching + "\r\n");
  }
  /// One frame of a server; "" at the end of the stream.
  [[nodiscard]] std::string read_frame() const {
    std::string head = read(2);
    if (head.size() < 2) return {};
    std::size_t size = static_cast<unsigned char>(head[1]);
    if (size >= 126) {
      const std::string more = read(size == 126 ? 2 : 8);
      size = 0;
      for (const char c : more) size = size << 8u | static_cast<unsigned char>(c);
      head += more;
    }
    return head + read(size);
  }
  /// Waits until the server has answered everything that was sent.
  void settle() const {
    send(frame({.opcode = 9, .payload = "settle"}));
    REQUIRE(read_frame() == server_frame(0x8A, "settle"));
  }
};

struct WebSocketHouse : HttpHouse {
  /// Runs something with the connection that did something last.
  template <class Work>
  void with_last(Work work) {
    const auto connection = handler->last();
    REQUIRE(connection != nullptr);
    run_on(connection->thread(), [&] { work(*connection); });
  }
};

TEST_SUITE("network.http_websocket") {
  TEST_CASE("a handshake is answered 101, then messages go both ways [RFC 6455 4.2.2]") {
    WebSocketHouse house;
    house.options.headers = {{"X-Site", "a"}};
    house.handler->upgrade = [](HttpConnection& connection, const HttpRequest& request) {
      CHECK(request.method == "GET");
      CHECK(request.query == "token=t");
      CHECK_FALSE(connection.is_websocket());
      CHECK_FALSE(connection.send("too early", true));
      connection.accept_websocket();
      CHECK(connection.is_websocket());
      connection.respond({.status = 200});  // too late
      CHECK(connection.send("welcome", true));
    };
    house.handler->take = [](HttpConnection& connection, std::string_view message, bool text) {
      CHECK(connection.send(std::string("got ").append(message), !text));
    };
    house.start();
    WebSocketClient client(house.port());
    client.send(handshake("/p/d/socket?token=t"));
    CHECK(client.read_response() == kSwitching + "X-Site: a\r\n\r\n");
    CHECK(client.read_frame() == server_frame(0x81, "welcome"));
    client.send(text_frame("one") + frame({.opcode = 2, .payload = "two"}));
    CHECK(client.read_frame() == server_frame(0x82, "got one"));
    CHECK(client.read_frame() == server_frame(0x81, "got two"));
    const std::string large(70'000, 'x');
    client.send(text_frame(large));
    CHECK(client.read_frame() == server_frame(0x82, "got " + large));
    CHECK(house.counters().received_messages == 4);
    CHECK(house.counters().sent_messages == 4);
    CHECK(house.counters().connected == 1);
  }

  TEST_CASE("a handshake that is not in order is refused before the handler hears of it [RFC 6455 4.2.1]") {
    struct Row {
      std::string name, request;
      int status;
    };
    const Row rows[] = {
        {"version 8",
         get("/s",
             "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
         426},
        {"no key", get("/s", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"), 400},
        {"a body", handshake("/s", "Content-Length: 1\r\n") + "x", 400},
        {"extensions", handshake("/s", "Sec-WebSocket-Extensions: ;\r\n"), 400},
    };
    WebSocketHouse house;
    house.start();
    for (const Row& row : rows) {
      CAPTURE(row.name);
      HttpClient client(house.port());
      client.send(row.request);
      const std::string answer = client.read_all();
      CHECK(answer.starts_with(fmt::format("HTTP/1.1 {} ", row.status)));
      CHECK((answer.find("Sec-WebSocket-Version: 13\r\n") != std::string::npos) == (row.status == 426));
    }
    CHECK(house.handler->log().empty());
  }

  TEST_CASE("the handler may refuse a handshake, after which the connection goes on as HTTP") {
    WebSocketHouse house;
    house.handler->upgrade = [](HttpConnection& connection, const HttpRequest&) {
      connection.respond({.status = 404});
      connection.accept_websocket();  // nothing
      CHECK_FALSE(connection.is_websocket());
    };
    house.start();
    HttpClient client(house.port());
    client.send(handshake("/s") + get("/a"));
    CHECK(client.read_status() == 404);
    CHECK(client.read_response() == ok_response("GET /a"));
  }

  TEST_CASE("the handler may accept later; what the client sent meanwhile is read then") {
    WebSocketHouse house;
    house.handler->upgrade = [](auto&&...) {};
    house.start();
    WebSocketClient client(house.port());
    client.send(handshake("/s") + text_frame("eager"));
    CHECK(eventually([&] { return house.handler->log().size() == 1; }));
    house.pass(1'000'000);
    house.with_last([](HttpConnection& connection) { connection.accept_websocket(); });
    CHECK(client.read_response().starts_with("HTTP/1.1 101 "));
    client.settle();
    CHECK(house.handler->log() == std::vector<std::string>{"upgrade /s?", "text eager"});
  }

  TEST_CASE("with websocket_only anything but a handshake is answered 426") {
    WebSocketHouse house;
    house.options.websocket_only = true;
    house.start();
    HttpClient plain(house.port());
    plain.send(post("/a", "x", "Expect: 100-continue\r\n"));
    const std::string answer = plain.read_all();
    CHECK(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
    CHECK(answer.find("Upgrade: websocket\r\n") != std::string::npos);
    WebSocketClient client(house, "/s");
    client.settle();
    CHECK(house.handler->log() == std::vector<std::string>{"upgrade /s?"});
  }

  TEST_CASE("compression is used both ways when both sides can [RFC 7692]") {
    WebSocketHouse house;
    house.handler->take = [](HttpConnection& connection, std::string_view message, bool text) {
      CHECK(connection.send(message, text));
    };
    house.start();
    WebSocketClient client(house.port());
    client.send(handshake("/s",
                          "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits; "
                          "server_max_window_bits=9\r\n"));
    CHECK(client.read_response() ==
          kSwitching +
              "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
              "server_max_window_bits=9\r\n\r\n");
    const std::string message(5000, 'x');
    for (int i = 0; i < 2; ++i) {
      client.send(frame({.payload = deflated(message), .reserved = 4}));
      const std::string echo = client.read_frame();
      CHECK(echo.size() < 100);
      CHECK(echo[0] == '\xC1');
      CHECK(inflated(echo.substr(2), 9) == message);
    }
    client.send(text_frame("plain"));
    CHECK(client.read_frame() == server_frame(0x81, "plain"));

    house.options.compression = false;
    house.server->update(house.options);
    WebSocketClient other(house.port());
    other.send(handshake("/s", "Sec-WebSocket-Extensions: permessage-deflate\r\n"));
    CHECK(other.read_response() == kSwitching + "\r\n");
  }

  TEST_CASE("wherever the client's bytes are cut, the same happens") {
    const std::string sent = text_frame("one") + frame({.opcode = 9, .payload = "p"}) +
                             frame({.payload = "fr", .fin = false}) + frame({.opcode = 0, .payload = "ag"}) +
                             frame({.opcode = 2, .payload = std::string(200, '\x01')}) + close_frame(3001, "bye");
    WebSocketHouse house;
    house.handler->take = [](HttpConnection& connection, std::string_view message, bool text) {
      CHECK(connection.send(message, text));
    };
    house.start();
    const std::string answer = server_frame(0x81, "one") + server_frame(0x8A, "p") + server_frame(0x81, "frag") +
                               server_frame(0x82, std::string(200, '\x01')) + server_close(3001);
    for (std::size_t at = 1; at <= sent.size(); at += at < 60 ? 1 : 17) {
      CAPTURE(at);
      WebSocketClient client(house, "/s");
      const std::uint64_t before = house.counters().received_bytes;
      client.send(sent.substr(0, at));
      house.wait_received(before + at);
      client.send(sent.substr(at));
      REQUIRE(client.read_all() == answer);
    }
  }

  TEST_CASE("violations and limits end the connection with their code [RFC 6455 7.4.1]") {
    struct Row {
      std::string name, bytes;
      std::uint64_t code;
    };
    const Row rows[] = {
        {"not masked", frame({.payload = "x", .masked = false}), 1002},
        {"reserved opcode", frame({.opcode = 3}), 1002},
        {"compressed without agreement", frame({.payload = "x", .reserved = 4}), 1002},
        {"not UTF-8", text_frame("\xFF"), 1007},
        {"too big", text_frame(std::string(1001, 'x')), 1009},
        {"close code out of range", close_frame(1005), 1002},
    };
    WebSocketHouse house;
    house.options.max_message_bytes = 1000;
    house.start();
    std::uint64_t violations = 0;
    for (const Row& row : rows) {
      CAPTURE(row.name);
      WebSocketClient client(house, "/s");
      client.send(text_frame("fine") + row.bytes + text_frame("never"));
      const std::string goodbye = client.read_frame();
      REQUIRE(goodbye.size() > 4);  // with a reason
      CHECK(goodbye.substr(2, 2) == big_endian(row.code, 2));
      CHECK(client.at_end());
      CHECK(house.counters().protocol_errors == ++violations);
    }
    CHECK(house.handler->count("text fine") == std::size(rows));
    CHECK(house.handler->count("text never") == 0);
    CHECK(house.handler->count("close") == std::size(rows));
  }

  TEST_CASE("the client's close is answered, and the server closes first [RFC 6455 5.5.1, 7.1.1]") {
    WebSocketHouse house;
    house.start();
    for (const auto& [sent, answer] : {std::pair(close_frame(1000, "done"), server_close(1000)),
                                       std::pair(frame({.opcode = 8}), server_frame(0x88, ""))}) {
      WebSocketClient client(house, "/s");
      client.send(sent + text_frame("never"));
      CHECK(client.read_frame() == answer);
      CHECK(client.at_end());
    }
    CHECK(house.handler->count("close") == 2);
    CHECK(house.handler->count("text never") == 0);
    house.wait_open(0);
    CHECK(house.counters().disconnected == 2);
    CHECK(house.counters().protocol_errors == 0);
  }

  TEST_CASE("the handler closes with a code of its own and hears nothing more; the client's answer ends it") {
    WebSocketHouse house;
    house.handler->take = [](HttpConnection& connection, auto&&...) {
      connection.close_websocket(1014, "Unauthorized");
      connection.close_websocket(1000, "again");
      CHECK_FALSE(connection.send("too late", true));
    };
    house.start();
    WebSocketClient client(house, "/s");
    client.send(text_frame("a") + text_frame("b"));
    CHECK(client.read_frame() == server_close(1014, "Unauthorized"));
    client.send(text_frame("c") + frame({.opcode = 9}));
    settle(house.threads.at(0));
    CHECK(client.is_quiet());
    CHECK(house.counters().connections == 1);
    client.send(close_frame(1014));
    CHECK(client.at_end());
    house.wait_open(0);
    CHECK(house.handler->log() == std::vector<std::string>{"upgrade /s?", "text a", "close"});
    CHECK(house.handler->attachments == 0);
  }

  TEST_CASE("a client that does not answer a close frame is not waited for longer than five seconds") {
    WebSocketHouse house;
    house.start();
    WebSocketClient client(house, "/s");
    house.with_last([](HttpConnection& connection) { connection.close_websocket(1000, ""); });
    CHECK(client.read_frame() == server_close(1000));
    house.pass(4000);
    settle(house.threads.at(0));
    CHECK(client.is_quiet());
    house.pass(1000 + kTick);
    CHECK(client.at_end());
  }

  TEST_CASE("a connection that is lost is over for the handler as well") {
    WebSocketHouse house;
    house.start();
    WebSocketClient half(house, "/half");
    half.half_close();
    CHECK(half.at_end());
    WebSocketClient reset(house, "/reset");
    reset.reset();
    CHECK(eventually([&] { return house.handler->count("close") == 2; }));
    house.wait_open(0);
    CHECK(house.counters().protocol_errors == 0);
  }

  TEST_CASE("after some silence of the client it is pinged, and again; any frame of it starts the time anew") {
    WebSocketHouse house;
    house.options.websocket_ping = std::chrono::seconds(30);
    house.start();
    WebSocketClient client(house, "/s");
    settle(house.threads.at(0));
    house.pass(29'000);
    settle(house.threads.at(0));
    CHECK(client.is_quiet());
    client.settle();
    house.pass(29'000);
    settle(house.threads.at(0));
    CHECK(client.is_quiet());
    house.pass(1000 + kTick);
    CHECK(client.read_frame() == server_frame(0x89, ""));
    house.pass(29'000);
    settle(house.threads.at(0));
    CHECK(client.is_quiet());
    house.pass(1000 + kTick);
    CHECK(client.read_frame() == server_frame(0x89, ""));
    CHECK(house.handler->log().size() == 1);
  }

  TEST_CASE("a client without a frame for websocket_idle is closed with 1001, whatever it is sent") {
    WebSocketHouse house;
    house.options.websocket_idle = std::chrono::seconds(100);
    house.options.websocket_ping = std::chrono::seconds(0);
    house.start();
    WebSocketClient quiet(house, "/s");
    house.with_last([](HttpConnection& connection) { CHECK(connection.send("x", true)); });
    CHECK(quiet.read_frame() == server_frame(0x81, "x"));
    settle(house.threads.at(0));
    house.pass(99'000);
    house.with_last([](HttpConnection& connection) { CHECK(connection.send("x", true)); });
    CHECK(quiet.read_frame() == server_frame(0x81, "x"));
    CHECK(quiet.is_quiet());
    house.pass(1000 + kTick);
    CHECK(quiet.read_frame() == server_close(1001, "idle"));
    quiet.send(close_frame(1001));
    CHECK(quiet.at_end());
    CHECK(house.handler->log().back() == "close");
  }

  TEST_CASE("send() says no to a client that does not read, and such a client is closed") {
    WebSocketHouse house;
    house.options.max_send_bytes = 100'000;
    house.start();
    WebSocketClient client;
    client.set_receive_buffer(4096);
    REQUIRE(client.open(house.port()));
    client.send(handshake("/s"));
    CHECK(client.read_response().starts_with("HTTP/1.1 101 "));
    const auto connection = house.handler->last();
    const std::string message(50'000, 'x');
    int sent = 0;
    while (sent < 1000 && run_on(connection->thread(), [&] { return connection->send(message, true); })) ++sent;
    CHECK(sent > 1);
    CHECK(sent < 1000);
    CHECK(eventually([&] { return house.counters().slow_consumers == 1; }));
    CHECK(eventually([&] { return house.handler->count("close") == 1; }));
    house.wait_open(0);
  }

  TEST_CASE("what came in one read with the message whose answer was too much is not handed over any more") {
    WebSocketHouse house;
    house.options.max_send_bytes = 100'000;
    const std::string answer(50'000, 'x');
    house.handler->take = [&](HttpConnection& connection, auto&&...) {
      static_cast<void>(connection.send(answer, true));
    };
    house.start();
    WebSocketClient client;
    client.set_receive_buffer(4096);
    REQUIRE(client.open(house.port()));
    client.send(handshake("/s"));
    CHECK(client.read_response().starts_with("HTTP/1.1 101 "));
    std::string batch;
    for (int i = 0; i < 10; ++i) batch += text_frame("m");
    CHECK(eventually([&] {
      static_cast<void>(client.send_some(batch));
      settle(house.threads.at(0));
      return house.counters().slow_consumers == 1;
    }));
    house.wait_open(0);
    CHECK(house.handler->count("close") == 1);
    CHECK(house.handler->log().back() == "close");
  }

  TEST_CASE("with a rate limit, messages beyond it wait for the next second") {
    WebSocketHouse house;
    house.options.max_message_rate = 2;
    house.start();
    WebSocketClient client(house, "/s");
    client.send(text_frame("a"));
    CHECK(eventually([&] { return house.handler->count("text a") == 1; }));
    client.send(text_frame("b"));
    settle(house.threads.at(0));
    settle(house.threads.at(0));
    CHECK(house.handler->count("text b") == 0);
    house.pass(1000 + kTick);
    CHECK(eventually([&] { return house.handler->count("text b") == 1; }));
  }

  TEST_CASE("stop() closes WebSockets with 1001 and waits for their answers [RFC 6455 7.4.1]") {
    WebSocketHouse house;
    house.start();
    WebSocketClient client(house, "/s");
    auto stopped = std::async(std::launch::async, [&] { house.server->stop(std::chrono::seconds(5)); });
    CHECK(client.read_frame() == server_close(1001, "server is stopping"));
    client.send(close_frame(1001));
    CHECK(client.at_end());
    CHECK(stopped.wait_for(kCeiling) == std::future_status::ready);
    CHECK(house.handler->log() == std::vector<std::string>{"upgrade /s?", "close"});
  }

  TEST_CASE("a handshake that is accepted while the server stops is answered 503") {
    WebSocketHouse house;
    house.handler->upgrade = [](auto&&...) {};
    house.start();
    WebSocketClient client(house.port());
    client.send(handshake("/s"));
    CHECK(eventually([&] { return house.handler->log().size() == 1; }));
    WebSocketClient idle(house.port());
    CHECK(eventually([&] { return house.counters().connections == 2; }));
    settle(house.threads.at(0));
    auto stopped = std::async(std::launch::async, [&] { house.server->stop(std::chrono::seconds(5)); });
    CHECK(idle.at_end());  // so the other one has been told as well
    idle.close();
    settle(house.threads.at(0));
    house.with_last([](HttpConnection& connection) {
      connection.accept_websocket();
      CHECK_FALSE(connection.is_websocket());
    });
    CHECK(client.read_status() == 503);
    client.close();
    CHECK(stopped.wait_for(kCeiling) == std::future_status::ready);
  }

  TEST_CASE("messages leave after the commit; when it fails the client hears 1011 instead") {
    WebSocketHouse house;
    house.handler->take = [&](HttpConnection& connection, std::string_view message, bool text) {
      house.commit.holds = true;
      CHECK(connection.send(message, text));
    };
    house.start();
    WebSocketClient client(house, "/s");
    for (const bool ok : {true, false}) {
      client.send(text_frame("x"));
      REQUIRE(eventually([&] { return house.is_held(); }));
      settle(house.threads.at(0));
      CHECK(client.is_quiet());
      run_on(house.threads.at(0), [&] { house.commit.holds = false; });
      house.release(ok);
      CHECK(client.read_frame() == (ok ? server_frame(0x81, "x") : server_close(1011, "storage failure")));
    }
    CHECK(client.at_end());
    CHECK(house.handler->log().back() == "close");
  }

  TEST_CASE("when the commit of the handshake fails the client hears it in HTTP") {
    WebSocketHouse house;
    house.handler->upgrade = [&](HttpConnection& connection, const HttpRequest&) {
      house.commit.holds = true;
      connection.accept_websocket();
      CHECK(connection.send("welcome", true));
    };
    house.start();
    WebSocketClient client(house.port());
    client.send(handshake("/s"));
    REQUIRE(eventually([&] { return house.is_held(); }));
    run_on(house.threads.at(0), [&] { house.commit.holds = false; });
    house.release(false);
    CHECK(client.read_all().starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK(house.handler->log() == std::vector<std::string>{"upgrade /s?", "close"});
  }

  TEST_CASE("a handler that throws in a message costs its client the connection") {
    WebSocketHouse house;
    house.handler->take = [](auto&&...) { throw std::runtime_error("handler"); };
    house.start();
    WebSocketClient client(house, "/s");
    client.send(text_frame("a") + text_frame("b"));
    CHECK(client.read_frame().empty());
    CHECK(house.handler->log() == std::vector<std::string>{"upgrade /s?", "text a", "close"});
  }
}

}  // namespace
}  // namespace jl::network
