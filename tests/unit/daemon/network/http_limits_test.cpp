// What a HTTP connection may cost: time, room, turns; and that answers wait for the commit.
#include "daemon/network/http_connection.hpp"
#include "tests/unit/daemon/network/http_support.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;

constexpr Millis kTick = 2 * TimerWheel::kResolution;

TEST_SUITE("network.http_limits") {
  TEST_CASE("a client that says nothing is closed without a word after connect_timeout") {
    HttpHouse house;
    house.options.connect_timeout = std::chrono::seconds(10);
    house.start();
    HttpClient silent(house.port());
    HttpClient blank(house.port());
    blank.send("\r\n\r\n");
    house.wait_open(2);
    house.wait_received(4);
    house.pass(9'900);
    settle(house.threads.at(0));
    CHECK(silent.is_quiet());
    house.pass(kTick);
    CHECK(silent.at_end());
    CHECK(blank.at_end());
    CHECK(house.counters().rejected == 2);
    CHECK(house.handler->log().empty());
  }

  TEST_CASE("the first head must be whole within connect_timeout, its body within request_timeout") {
    HttpHouse house;
    house.options.connect_timeout = std::chrono::seconds(10);
    house.options.request_timeout = std::chrono::seconds(30);
    house.start();
    const std::string request = post("/a", "0123456789");
    HttpClient head(house.port());
    HttpClient body(house.port());
    house.wait_open(2);
    house.pass(5000);
    head.send(request.substr(0, 20));
    body.send(request.substr(0, request.size() - 1));
    house.wait_received(20 + request.size() - 1);
    house.pass(5000 + kTick);
    CHECK(head.read_status() == 408);
    CHECK(head.at_end());
    house.pass(25'000 - kTick - TimerWheel::kResolution);
    settle(house.threads.at(0));
    CHECK(body.is_quiet());
    house.pass(kTick + TimerWheel::kResolution);
    CHECK(body.read_status() == 408);
    CHECK(body.at_end());
    CHECK(house.counters().rejected == 2);
    CHECK(house.counters().protocol_errors == 0);
  }

  TEST_CASE("a request has request_timeout from its first byte, however it drips in") {
    HttpHouse house;
    house.options.request_timeout = std::chrono::seconds(30);
    house.start();
    HttpClient client(house.port());
    client.send(get("/a"));
    CHECK(client.read_response() == ok_response("GET /a"));
    house.pass(60'000);  // idle for less than idle_timeout
    const std::string request = get("/slow");
    std::uint64_t sent = get("/a").size();
    for (std::size_t i = 0; i < 20; ++i) {
      client.send(request.substr(i, 1));
      house.wait_received(++sent);
      house.pass(1490);
      CHECK(client.is_quiet());
    }
    house.pass(200 + kTick);
    CHECK(client.read_status() == 408);
    CHECK(client.at_end());
    CHECK(house.handler->log() == std::vector<std::string>{"GET /a", "close"});
  }

  TEST_CASE("the time of one request is not that of the next") {
    HttpHouse house;
    house.options.connect_timeout = std::chrono::seconds(25);
    house.options.request_timeout = std::chrono::seconds(30);
    house.start();
    HttpClient client(house.port());
    const std::string request = get("/a");
    std::uint64_t sent = 0;
    // The end of each request comes in one piece with the beginning of the next.
    client.send(request.substr(0, 5));
    house.wait_received(sent += 5);
    for (int i = 0; i < 5; ++i) {
      house.pass(20'000);
      client.send(request.substr(5) + request.substr(0, 5));
      house.wait_received(sent += request.size());
      CHECK(client.read_status() == 200);
    }
    house.pass(30'000 + kTick);
    CHECK(client.read_status() == 408);
  }

  TEST_CASE("a connection may be idle for idle_timeout between requests") {
    HttpHouse house;
    house.options.idle_timeout = std::chrono::seconds(75);
    house.start();
    HttpClient client(house.port());
    for (int i = 0; i < 3; ++i) {
      client.send(get("/a"));
      CHECK(client.read_status() == 200);
      settle(house.threads.at(0));
      house.pass(74'000);
    }
    CHECK(client.is_quiet());
    house.pass(1000 + kTick);
    CHECK(client.at_end());
    CHECK(house.handler->log().back() == "close");
    CHECK(house.counters().disconnected == 1);
  }

  TEST_CASE("connections over the limit are answered 503 and do not disturb the others") {
    HttpHouse house;
    house.options.max_connections = 1;
    house.start();
    HttpClient first(house.port());
    first.send(get("/a"));
    CHECK(first.read_response() == ok_response("GET /a"));
    HttpClient second(house.port());
    second.send(get("/b") + get("/c"));
    const std::string answer = second.read_all();
    CHECK(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK(answer.find("Retry-After: 1\r\n") != std::string::npos);
    CHECK(answer.ends_with(R"({"success":false,"code":"unavailable","message":"too many connections"})"));
    HttpClient silent(house.port());
    second.close();
    CHECK(eventually([&] { return house.counters().connections == 2; }));
    settle(house.threads.at(0));
    house.pass(2500);
    CHECK(silent.at_end());
    CHECK(house.counters().over_limit == 2);
    CHECK(house.counters().rejected == 2);
    CHECK(house.handler->log() == std::vector<std::string>{"GET /a"});
    first.close(), silent.close();
    house.wait_open(0);
    HttpClient third(house.port());
    third.send(get("/d"));
    CHECK(third.read_response().ends_with("GET /d"));
  }

  TEST_CASE("with a rate limit, requests beyond it wait for the next second") {
    HttpHouse house;
    house.options.max_message_rate = 2;
    house.start();
    HttpClient client(house.port());
    for (int i = 0; i < 2; ++i) {
      client.send(get("/a"));
      CHECK(client.read_status() == 200);
    }
    client.send(get("/b"));
    settle(house.threads.at(0));
    settle(house.threads.at(0));
    CHECK(client.is_quiet());
    CHECK(house.counters().rate_limited == 1);
    house.pass(1000 + kTick);
    CHECK(client.read_response().ends_with("GET /b"));
  }

  TEST_CASE("a client that does not take its answers is not read from, and gets them when it does") {
    HttpHouse house;
    const std::string large(100'000, 'x');
    house.options.max_send_bytes = 100u << 20u;
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest&) {
      connection.respond({.body = large, .content_type = "text/plain"});
    };
    house.start();
    HttpClient client;
    client.set_receive_buffer(4096);
    REQUIRE(client.open(house.port()));
    std::string sent;
    for (int i = 0; i < 1000; ++i) sent += get("/large");
    client.send(sent);  // 100 MB of answers
    house.wait_received(1);
    settle(house.threads.at(0));
    CHECK(house.handler->log().size() < 200);
    for (int i = 0; i < 1000; ++i) REQUIRE(client.read_response().size() > large.size());
    CHECK(house.handler->log().size() == 1000);
  }

  TEST_CASE("a client that leaves too much lying is closed") {
    HttpHouse house;
    house.options.max_send_bytes = 1000;
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest&) {
      connection.respond({.body = std::string(20u << 20u, 'x')});
    };
    house.start();
    HttpClient client(house.port());
    client.send(get("/large"));
    CHECK(eventually([&] { return house.counters().slow_consumers == 1; }));
    house.wait_open(0);
    CHECK(house.handler->log() == std::vector<std::string>{"GET /large", "close"});
  }

  TEST_CASE("an answer leaves only after the commit of its turn") {
    HttpHouse house;
    const auto answer = house.handler->answer;
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest& request) {
      house.commit.holds = true;
      answer(connection, request);
    };
    house.start();
    HttpClient client(house.port());
    client.send(post("/a", "x", "Expect: 100-continue\r\n"));
    REQUIRE(eventually([&] { return house.is_held(); }));
    settle(house.threads.at(0));
    CHECK(client.is_quiet());
    run_on(house.threads.at(0), [&] { house.commit.holds = false; });
    house.release();
    CHECK(client.read(25) == "HTTP/1.1 100 Continue\r\n\r\n");
    CHECK(client.read_response() == ok_response("POST /a"));
  }

  TEST_CASE("when the commit fails nothing is acknowledged: 503 instead of every answer of the turn") {
    HttpHouse house;
    const auto answer = house.handler->answer;
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest& request) {
      house.commit.holds = true;
      answer(connection, request);
    };
    house.start();
    HttpClient client(house.port());
    client.send(post("/a", "x") + "HEAD /b HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(eventually([&] { return house.is_held(); }));
    run_on(house.threads.at(0), [&] { house.commit.holds = false; });
    house.release(false);
    const std::string answers = client.read_all();
    CHECK(answers.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
    CHECK(answers.ends_with(R"({"success":false,"code":"unavailable","message":"the request could not be stored"})"));
    CHECK(answers.find("HTTP/1.1", 1) == std::string::npos);
    client.close();
    house.wait_open(0);
    CHECK(house.handler->log() == std::vector<std::string>{"POST /a", "HEAD /b", "close"});
    // The next clients are served.
    house.handler->answer = answer;
    HttpClient other(house.port());
    other.send(get("/c"));
    CHECK(other.read_response() == ok_response("GET /c"));
  }

  TEST_CASE("a commit that fails while a request waits is an answer as well; the handler's comes too late") {
    HttpHouse house;
    house.handler->answer = [&](auto&&...) { house.commit.holds = true; };
    house.start();
    HttpClient client(house.port());
    client.send(post("/a", "x", "Expect: 100-continue\r\n"));
    REQUIRE(eventually([&] { return house.is_held(); }));
    const auto connection = house.handler->last();
    run_on(house.threads.at(0), [&] { house.commit.holds = false; });
    house.release(false);
    CHECK(client.read_status() == 503);
    CHECK(client.at_end());
    run_on(connection->thread(), [&] { connection->respond({.status = 200}); });
    CHECK(house.handler->log() == std::vector<std::string>{"POST /a", "close"});
  }

  TEST_CASE("an idle connection is small") {
    CHECK(sizeof(HttpServerConnection) <= 400);
    MESSAGE("bytes of a HTTP connection: " << sizeof(HttpServerConnection));
  }
}

}  // namespace
}  // namespace jl::network
