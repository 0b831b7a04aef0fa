// What comes as a datagram and what goes back: RFC 7252 message by message.
#include "daemon/network/coap_server.hpp"

#include "tests/unit/daemon/network/coap_support.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;
using Log = std::vector<std::string>;
using namespace std::string_literals;

TEST_SUITE("network.coap_server") {
  TEST_CASE("a confirmable request is answered in its acknowledgement [RFC 7252 5.2.1]") {
    CoapHouse house;
    Shared<std::string> seen;
    house.handler->take = [&](const CoapRequest& r, const CoapRespond& respond) {
      seen = fmt::format("{} {} {} {} \"{}\" \"{}\" \"{}\" {}", r.method, r.path, r.query, r.content_format,
                         r.device_option, r.proven_id, r.tls_subject, r.observe);
      CHECK(r.payload == "hello");
      CHECK(r.peer.substr(0, 10) == "127.0.0.1:");
      respond({.code = 205, .payload = "world", .content_format = 0});
    };
    house.start();
    CoapClient client(house.port());
    CoapPdu request = coap_post("sensor/dev-1/properties/report", "hello", 0xABCD);
    request.with(kContentFormat, coap_number(60)).with(kUriQuery, "a=1").with(kUriQuery, "b").with(kDevice, "dev-1");
    const CoapPdu answer = client.ask(request);
    const CoapPdu want{
        .type = kAck, .code = 205, .id = 0xABCD, .token = "t", .options = {{kContentFormat, ""}}, .payload = "world"};
    CHECK(answer == want);
    CHECK(seen.get() == "2 /sensor/dev-1/properties/report a=1&b 60 \"dev-1\" \"\" \"\" false");
    CHECK(house.counters().requests == 1);
    CHECK(house.counters().responses == 1);
    CHECK(house.counters().rejected == 0);
    CHECK(house.counters().sessions == 1);
    CHECK(house.counters().received_bytes == request.bytes().size());
    CHECK(comes_true([&] { return house.counters().sent_bytes == want.bytes().size(); }));  // counted after it left
  }

  TEST_CASE("a non-confirmable request is answered by a non-confirmable message of its own [RFC 7252 5.2.3]") {
    CoapHouse house;
    house.start();
    CoapClient client(house.port());
    const CoapPdu answer = client.ask(coap_post("a/b", "x", 7, kNon));
    CHECK(answer.type == kNon);
    CHECK(answer.code == 204);
    CHECK(answer.token == "t");
    CHECK(house.handler->log() == Log{"2 /a/b x"});
  }

  TEST_CASE("every method and every path reaches the handler") {
    CoapHouse house;
    house.start();
    CoapClient client(house.port());
    for (int method = 1; method <= 7; ++method) {
      CHECK(client.ask(coap_request(method, "x", {}, static_cast<unsigned>(method))).code == 204);
      CHECK(house.handler->last() == fmt::format("{} /x ", method));
    }
    CHECK(client.ask(coap_get(".well-known/core", 20)).code == 204);
    CHECK(house.handler->last() == "1 /.well-known/core ");
    CHECK(client.ask(CoapPdu{.code = 4, .id = 21}).code == 204);
    CHECK(house.handler->last() == "4 / ");
  }

  TEST_CASE("datagrams that are no requests [RFC 7252 3, 4.2, 4.3, 5.4.1]") {
    struct Row {
      std::string name;
      std::string bytes;
      std::string want;  ///< "" = nothing comes back
    };
    const std::string rst = "\x70\x00\x12\x34"s;
    const CoapPdu critical = CoapPdu{.code = 1, .id = 0x1234, .token = "t"}.path("a").with(9, "x");
    const CoapPdu bad_option{.type = kAck, .code = 402, .id = 0x1234, .token = "t"};
    const Row rows[] = {
        {"nothing", "", ""},
        {"three bytes", "\x40\x01\x12", ""},
        {"version 0", "\x00\x01\x12\x34"s, ""},
        {"version 2", "\x80\x01\x12\x34", ""},
        {"version 3", "\xC0\x01\x12\x34", ""},
        {"empty CON is a ping", "\x40\x00\x12\x34"s, rst},
        {"empty CON with a token", "\x41\x00\x12\x34t"s, rst},
        {"empty CON with something behind", "\x40\x00\x12\x34\xFFx"s, rst},
        {"token of 9 bytes", "\x49\x01\x12\x34" + std::string(9, 't'), rst},
        {"token of 15 bytes", "\x4F\x01\x12\x34" + std::string(15, 't'), rst},
        {"token longer than the datagram", "\x44\x01\x12\x34t", rst},
        {"option longer than the datagram", "\x40\x01\x12\x34\xB9" + "ab"s, rst},
        {"reserved option length 15", "\x40\x01\x12\x34\xBF" + std::string(20, 'a'), rst},
        {"reserved option delta 15", "\x40\x01\x12\x34\xF1" + "a"s, rst},
        {"payload marker and no payload",
         "\x40\x01\x12\x34\xB1"
         "a\xFF"s,
         rst},
        {"reserved class 1", "\x40\x21\x12\x34", rst},
        {"reserved class 6", "\x40\xC1\x12\x34", rst},
        {"a response that nobody asked for", "\x41\x45\x12\x34t", rst},
        {"the same, non-confirmable", "\x51\x45\x12\x34t", ""},
        {"signalling: CSM", "\x40\xE1\x12\x34\x21\x40"s, ""},
        {"signalling: Ping", "\x40\xE2\x12\x34", ""},
        {"signalling: Abort", "\x40\xE5\x12\x34", ""},
        {"empty ACK", "\x60\x00\x12\x34"s, ""},
        {"ACK with a token", "\x61\x00\x12\x34t"s, ""},
        {"ACK with a request", "\x61\x01\x12\x34t", ""},
        {"ACK with a response and a token too long", "\x6A\x45\x12\x34" + std::string(10, 't'), ""},
        {"RST", "\x70\x00\x12\x34"s, ""},
        {"RST with a code", "\x70\x45\x12\x34", ""},
        {"RST with something behind", "\x70\x00\x12\x34t"s, ""},
        {"unknown critical option in CON", critical.bytes(), bad_option.bytes()},
        {"unknown critical option in NON", "\x51\x01\x12\x34t\x91x", rst},
        {"Uri-Port of three bytes", "\x40\x01\x12\x34\x73" + "abc"s, rst},
    };
    CoapHouse house;
    house.start();
    for (const Row& row : rows) {
      CAPTURE(row.name);
      CoapClient client(house.port());
      client.send(row.bytes);
      if (!row.want.empty()) {
        const CoapPdu want = CoapPdu::parse(row.want);
        CoapPdu got = client.receive();
        got.payload.clear();  // a diagnostic text
        CAPTURE(got.bytes());
        CHECK(got == want);
      }
      CHECK(client.is_quiet());
    }
    CHECK(house.handler->log().empty());
    CHECK(house.counters().requests == 0);
  }

  TEST_CASE("requests that are refused before the handler is asked") {
    struct Row {
      std::string name;
      CoapPdu request;
      int want;
    };
    const auto get = [](std::string_view path) { return coap_get(path, 0); };
    const Row rows[] = {
        {"a slash inside of a segment", get("a").with(kUriPath, "b/c"), 400},
        {"a dot segment", get("a/../b"), 400},
        {"a control character in the path", get("a\nb"), 400},
        {"an ampersand inside of a query", get("a").with(kUriQuery, "x=1&y=2"), 400},
        {"If-Match", get("a").with(kIfMatch, "tag"), 402},
        {"Block1 with the reserved size", get("a").with(kBlock1, coap_block(0, false, 7)), 400},
        {"Block2 with the reserved size", get("a").with(kBlock2, coap_block(0, false, 7)), 400},
        {"Proxy-Uri", get("a").with(35, "coap://other/"), 505},
        {"a later block of nothing", coap_post("a", "", 0).with(kBlock2, coap_block(3, false, 6)), 408},
        {"the middle of a body", coap_post("a", std::string(64, 'x'), 0).with(kBlock1, coap_block(3, true, 2)), 408},
        {"a block shorter than it says", coap_post("a", "x", 0).with(kBlock1, coap_block(0, true, 2)), 400},
        {"a block longer than it says", coap_post("a", std::string(65, 'x'), 0).with(kBlock1, coap_block(0, false, 2)),
         400},
        {"a datagram larger than libcoap reads", coap_post("a", std::string(1465, 'x'), 0), 413},
        {"a much larger one", coap_post("a", std::string(9000, 'x'), 0), 413},
    };
    CoapHouse house;
    house.start();
    CoapClient client(house.port());
    unsigned id = 0;
    for (Row row : rows) {
      CAPTURE(row.name);
      row.request.id = ++id;
      const CoapPdu answer = client.ask(row.request);
      CHECK(answer.type == kAck);
      CHECK(answer.id == id);
      CHECK(answer.code == row.want);
      CHECK(answer.token == "t");
    }
    CHECK(house.handler->log().empty());
  }

  TEST_CASE("elective options are ignored, and tokens of every length come back [RFC 7252 5.3.1, 5.4.1]") {
    CoapHouse house;
    house.start();
    CoapClient client(house.port());
    for (unsigned length = 0; length <= 8; ++length) {
      CoapPdu request = coap_get("a", 100 + length);
      request.token = std::string(length, '\0');
      request.with(9998, std::string(700, 'x')).with(65000, "");
      const CoapPdu answer = client.ask(request);
      CHECK(answer.code == 204);
      CHECK(answer.token == request.token);
    }
  }

  TEST_CASE("a repeated request gets the same answer and does not reach the handler again [RFC 7252 4.2, 4.5]") {
    CoapHouse house;
    int count = 0;
    house.handler->take = [&](const CoapRequest&, const CoapRespond& respond) {
      respond({.code = 205, .payload = fmt::format("answer {}", ++count)});
    };
    house.start();
    CoapClient client(house.port());
    const CoapPdu request = coap_post("a", "x", 9);
    const CoapPdu first = client.ask(request);
    CHECK(first.payload == "answer 1");
    CHECK(client.ask(request) == first);
    house.pass(246'000);
    CHECK(client.ask(request) == first);
    SUBCASE("after EXCHANGE_LIFETIME it is new") {
      house.pass(1000);
      CHECK(client.ask(request).payload == "answer 2");
    }
    SUBCASE("another peer's is not the same") {
      CoapClient other(house.port());
      CHECK(other.ask(request).payload == "answer 2");
    }
    SUBCASE("with other content its device has restarted") {
      CHECK(client.ask(coap_post("a", "y", 9)).payload == "answer 2");
      CHECK(client.ask(request) == first);
    }
    SUBCASE("a non-confirmable one is not answered twice [4.3]") {
      CHECK(client.ask(coap_post("a", "n", 10, kNon)).payload == "answer 2");
      client.send(coap_post("a", "n", 10, kNon));
      CHECK(client.is_quiet());
    }
  }

  TEST_CASE("a client may have told that it wants no answer [RFC 7967]") {
    CoapHouse house;
    house.handler->take = [&](const CoapRequest& r, const CoapRespond& respond) {
      respond({.code = r.path == "/bad" ? 404 : 205, .payload = "x"});
    };
    house.start();
    CoapClient client(house.port());
    const auto want_no_2xx = coap_number(2);
    const CoapPdu empty{.type = kAck, .id = 1};
    CHECK(client.ask(coap_get("good", 1).with(kNoResponse, want_no_2xx)) == empty);
    CHECK(client.ask(coap_get("good", 1).with(kNoResponse, want_no_2xx)) == empty);
    client.send(coap_get("good", 2, kNon).with(kNoResponse, want_no_2xx));
    CHECK(client.is_quiet());
    CHECK(client.ask(coap_get("bad", 3).with(kNoResponse, want_no_2xx)).code == 404);
  }

  TEST_CASE("a GET that accepts another format only is told so [RFC 7252 5.10.4]") {
    CoapHouse house;
    house.handler->take = [&](const CoapRequest&, const CoapRespond& respond) {
      respond({.code = 205, .payload = "{}"});
    };
    house.start();
    CoapClient client(house.port());
    CHECK(client.ask(coap_get("a", 1).with(kAccept, coap_number(60))).code == 406);
    CHECK(client.ask(coap_get("a", 2).with(kAccept, coap_number(50))).code == 205);
    CHECK(client.ask(coap_post("a", "x", 3).with(kAccept, coap_number(60))).code == 205);
  }

  TEST_CASE("a handler that throws, or answers nonsense, is 5.00, and the next request is served") {
    CoapHouse house;
    house.handler->take = [&](const CoapRequest& r, const CoapRespond& respond) {
      if (r.path == "/throw") throw std::runtime_error("no");
      respond({.code = r.path == "/odd" ? 777 : 204, .payload = {}});
    };
    house.start();
    CoapClient client(house.port());
    CHECK(client.ask(coap_get("throw", 1)).code == 500);
    CHECK(client.ask(coap_get("odd", 2)).code == 500);
    CHECK(client.ask(coap_get("good", 3)).code == 204);
  }

  TEST_CASE("only so many requests of one peer in one second; blocks of one body are one") {
    CoapHouse house;
    house.options.max_message_rate = 3;
    house.start();
    CoapClient client(house.port()), other(house.port());
    for (unsigned id = 1; id <= 3; ++id) CHECK(client.ask(coap_get("a", id)).code == 204);
    const CoapPdu refused = client.ask(coap_get("a", 4));
    CHECK(refused.code == 503);
    CHECK(refused.number(kMaxAge) == 1);
    CHECK(house.counters().rate_limited == 1);
    CHECK(house.counters().rejected == 1);
    CHECK(other.ask(coap_get("a", 1)).code == 204);
    house.pass(1000);
    for (unsigned id = 10; id < 20; ++id) {
      const CoapPdu block = coap_post("a", std::string(16, 'x'), id).with(kBlock1, coap_block(id - 10, id < 19, 0));
      CHECK(client.ask(block).code == (id < 19 ? 231 : 204));
    }
  }

  TEST_CASE("the port cannot be shared, not even with a socket that wants to") {
    CoapHouse house;
    house.start();
    CoapServerOptions same = house.options;
    same.port = house.port();
    const auto second = CoapServer::start(same, house.threads, house.handler);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().code == Errc::address_in_use);

    const int thief = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(thief, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(house.port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::bind(thief, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0);
    ::close(thief);
  }

  TEST_CASE("what cannot be started says why") {
    CoapHouse house;
    house.threads.start(true);
    const auto code_of = [&](const CoapServerOptions& options) -> std::optional<Errc> {
      const auto started = CoapServer::start(options, house.threads, house.handler);
      if (started) return std::nullopt;
      return started.error().code;
    };
    CoapServerOptions options = house.options;
    options.host = "no such host";
    CHECK(code_of(options) == Errc::invalid);
    options.host = "192.0.2.1";
    CHECK(code_of(options) == Errc::network);
    options.host = "127.0.0.1";
    options.secure = options.mutual = true;
    CHECK(code_of(options) == Errc::invalid);
    options.mutual = false;
    options.bundle = std::make_shared<cert::Bundle>();
    CHECK(code_of(options) == Errc::invalid);
  }

  TEST_CASE("after stop the handler is not called, and the port is free") {
    CoapHouse house;
    house.start();
    CoapClient client(house.port());
    CHECK(client.ask(coap_get("a")).code == 204);
    const std::uint16_t port = house.port();
    house.server->stop();
    house.server->stop();
    client.send(coap_get("a", 2));
    settle(house.thread());
    CHECK(house.handler->count() == 1);
    CHECK(house.counters().sessions == 0);
    house.server.reset();
    house.options.port = port;
    auto again = CoapServer::start(house.options, house.threads, house.handler);
    REQUIRE(again.has_value());
    house.server = std::move(*again);
    CHECK(CoapClient(house.port()).ask(coap_get("a", 3)).code == 204);
  }

  TEST_CASE("a respond function that outlives the server does nothing") {
    CoapHouse house;
    CoapRespond kept;
    house.handler->take = [&](const CoapRequest&, CoapRespond respond) { kept = std::move(respond); };
    house.start();
    CoapClient client(house.port());
    client.send(coap_get("a"));
    REQUIRE(comes_true([&] { return house.handler->count() == 1; }));
    house.stop_server();
    run_on(house.thread(), [&] { kept({.code = 204, .payload = {}}); });
  }

  TEST_CASE("peers over the limit make the one that was silent for longest be forgotten") {
    CoapHouse house;
    house.options.max_sessions = 3;
    house.start();
    std::vector<std::unique_ptr<CoapClient>> clients;
    for (int i = 0; i < 6; ++i) {
      clients.push_back(std::make_unique<CoapClient>(house.port()));
      CHECK(clients.back()->ask(coap_get("a")).code == 204);
      CHECK(house.counters().sessions <= 3);
    }
    CHECK(house.counters().sessions == 3);
  }

  TEST_CASE("IPv6, and its mapped IPv4, work on one socket") {
    CoapHouse house;
    house.options.host = "::";
    Shared<std::string> peer;
    house.handler->take = [&](const CoapRequest& r, const CoapRespond& respond) {
      peer = std::string(r.peer);
      respond({.code = 204, .payload = {}});
    };
    house.start();
    CoapClient client(house.port());
    CHECK(client.ask(coap_get("a")).code == 204);
    CHECK(peer.get().substr(0, 10) == "127.0.0.1:");
    CoapClient six(house.port(), CoapClient::Six{});
    CHECK(six.ask(coap_get("a")).code == 204);
    CHECK(peer.get().substr(0, 6) == "[::1]:");
    six.send(std::string("\x80\x01\x12\x34", 4));
    CHECK(six.is_quiet());
  }
}

}  // namespace
}  // namespace jl::network
