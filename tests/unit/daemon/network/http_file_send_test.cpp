// Files as bodies: which bytes leave, in which order, and who hears of it.
#include "tests/unit/daemon/network/http_file_support.hpp"

#include <doctest/doctest.h>
#include <string>

namespace jl::network {
namespace {

using namespace test;

constexpr std::size_t kLarge = 3'000'017;

TEST_SUITE("network.http_file_send") {
  TEST_CASE("files leave whole, one after the other on one connection, and progress is told of every byte") {
    FileHouse house(kLarge);
    house.start();
    HttpClient client(house.port());
    client.send(get("/a"));
    CHECK((client.read(house.whole().size()) == house.whole()));
    CHECK(eventually([&] { return house.progress->ends == 1; }));
    CHECK(house.progress->bytes == kLarge);
    CHECK(house.progress->calls <= static_cast<int>(kLarge / (256 * 1024)) + 1);
    settle(house.threads.at(0));
    CHECK(house.is_closed());
    CHECK(client.is_quiet());
    client.send(get("/b", kClose));
    CHECK((client.read(house.whole(kClose).size()) == house.whole(kClose)));
    CHECK(client.at_end());
    client.close();
    house.wait_open(0);
    CHECK(house.progress->ends == 2);
    CHECK(house.progress->late == 0);
    CHECK(house.progress->bytes == 2 * kLarge);
    CHECK(house.counters().sent_bytes == house.whole().size() + house.whole(kClose).size());
    CHECK(house.counters().sent_messages == 2);
    CHECK(house.handler->log() == std::vector<std::string>{"GET /a", "GET /b", "close"});
  }

  TEST_CASE("a body takes a turn for every 256 KiB at least, so that the others of the thread get theirs") {
    FileHouse house(kLarge);
    house.start();
    const auto commits = [&] { return run_on(house.threads.at(0), [&] { return house.commit.commits; }); };
    HttpClient client(house.port());
    const int before = commits();
    client.send(get("/a"));
    CHECK((client.read(house.whole().size()) == house.whole()));
    CHECK(commits() - before >= static_cast<int>(kLarge / (256 * 1024)));
  }

  TEST_CASE("parts of a file are just their bytes [RFC 9110 15.3.7]") {
    FileHouse house(kLarge);
    house.start();
    HttpClient client(house.port());
    struct Row {
      std::string range;
      std::size_t offset, length;
    };
    const Row rows[] = {{"bytes=0-0", 0, 1},
                        {"bytes=1-4095", 1, 4095},
                        {"bytes=65535-65537", 65'535, 3},
                        {"bytes=1000000-", 1'000'000, kLarge - 1'000'000},
                        {"bytes=-1", kLarge - 1, 1}};
    for (const Row& row : rows) {
      CAPTURE(row.range);
      client.send(get("/a", "Range: " + row.range + "\r\n"));
      const std::string part = house.part(row.offset, row.length);
      CHECK((client.read(part.size()) == part));
    }
    client.send(get("/a", "Range: bytes=9000000-\r\n"));
    CHECK(client.read_response() == "HTTP/1.1 416 Range Not Satisfiable\r\n" + kDateField +
                                        "Content-Length: 0\r\nAccept-Ranges: bytes\r\nContent-Range: bytes "
                                        "*/3000017\r\n\r\n");
    client.send(get("/a", "Range: bytes=1-4\r\nIf-Range: \"v0\"\r\n"));
    CHECK((client.read_response() == house.whole()));
  }

  TEST_CASE("HEAD has the head of GET and no body, 304 and an empty file have none; progress hears the end of each") {
    FileHouse house(1000);
    house.start();
    HttpClient client(house.port());
    client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(client.read_response(false) == house.head());
    CHECK(eventually([&] { return house.progress->ends == 1; }));
    CHECK(house.progress->bytes == 0);
    client.send(get("/a", "If-None-Match: \"v0\"\r\nIf-None-Match: \"v1\"\r\n"));
    CHECK(client.read_response() == "HTTP/1.1 304 Not Modified\r\n" + kDateField + "ETag: \"v1\"\r\n\r\n");
    client.send(get("/a"));
    CHECK(client.read_response() == house.whole());

    FileHouse empty(0);
    empty.start();
    HttpClient other(empty.port());
    other.send(get("/a") + get("/b", kClose));
    CHECK(other.read_all() == empty.whole() + empty.whole(kClose));
    CHECK(empty.progress->ends == 2);
    CHECK(empty.progress->late == 0);
  }

  TEST_CASE("pipelined requests are answered in order, each after the body before it [RFC 9112 9.3.2]") {
    FileHouse house(kLarge);
    house.start();
    HttpClient client(house.port());
    client.send(get("/1") + "HEAD /2 HTTP/1.1\r\nHost: h\r\n\r\n" + post("/3", "x") +
                get("/4", "Range: bytes=5-9\r\n") + get("/5", kClose) + get("/never"));
    const std::string answers =
        house.whole() + house.head() + ok_response("posted") + house.part(5, 5) + house.whole(kClose);
    CHECK((client.read(answers.size()) == answers));
    CHECK(client.at_end());
    CHECK(house.progress->ends == 4);
    CHECK(house.handler->count("GET /never") == 0);
  }

  TEST_CASE("the next request is not even looked at while a body leaves") {
    FileHouse house(20'000);
    house.rate = 40'000;  // 10 000 at once
    house.start();
    HttpClient client(house.port());
    client.send(get("/1") + get("/2"));
    CHECK(client.read(house.head().size() + 10'000) == house.whole().substr(0, house.head().size() + 10'000));
    settle(house.threads.at(0));
    CHECK(house.handler->log() == std::vector<std::string>{"GET /1"});
    const auto connection = house.handler->last();
    run_on(connection->thread(), [&] { connection->respond({.status = 500}); });  // there is nothing to answer
    client.send(get("/3"));
    house.pass(250);
    CHECK(client.read(10'000) == house.content.substr(10'000));
    CHECK(client.read(house.head().size() + 10'000) == house.whole().substr(0, house.head().size() + 10'000));
    CHECK(house.handler->log() == std::vector<std::string>{"GET /1", "GET /2"});
    house.pass(250);
    CHECK(client.read(10'000) == house.content.substr(10'000));
    CHECK(client.read(house.head().size()) == house.head());
    CHECK(house.progress->ends == 2);
  }

  TEST_CASE("a client of 1.0, and one that closed its half, get the whole file, then the end [RFC 9112 9.3, 9.6]") {
    FileHouse house(kLarge);
    house.start();
    HttpClient old(house.port());
    old.send("GET /a HTTP/1.0\r\n\r\n");
    CHECK((old.read(house.whole(kClose).size()) == house.whole(kClose)));
    CHECK(old.at_end());
    HttpClient half(house.port());
    half.send(get("/a"));
    half.half_close();
    const std::string all = half.read(house.whole().size());
    CHECK((all == house.whole()));
    CHECK(half.at_end());
    CHECK(house.progress->bytes == 2 * kLarge);
  }

  TEST_CASE("a file may be the answer of another thread, later") {
    FileHouse house(kLarge);
    const auto prompt = house.handler->answer;
    house.handler->answer = [](auto&&...) {};
    house.start();
    HttpClient client(house.port());
    client.send(get("/a") + get("/b", kClose));
    REQUIRE(eventually([&] { return house.handler->count("GET /a") == 1; }));
    const auto connection = house.handler->last();
    run_on(connection->thread(), [&] {
      house.handler->answer = prompt;
      HttpRequest request{};
      request.method = "GET";
      connection->respond(house.response_to(request));
    });
    const std::string answers = house.whole() + house.whole(kClose);
    CHECK((client.read(answers.size()) == answers));
    CHECK(client.at_end());
  }

  TEST_CASE("through TLS the same bytes leave: whole, in parts, pipelined, and the end is a close_notify") {
    FileHouse house(kLarge, true);
    house.start();
    const TlsClient client(house.port(), lax_client());
    REQUIRE(client.shaken());
    client.send(get("/1"));
    client.send(get("/2", "Range: bytes=100000-299999\r\n") + "HEAD /3 HTTP/1.1\r\nHost: h\r\n\r\n");
    client.send(get("/4", kClose));
    const std::string answers = house.whole() + house.part(100'000, 200'000) + house.head() + house.whole(kClose);
    CHECK((client.read(answers.size()) == answers));
    CHECK(client.read_end().first == SSL_ERROR_ZERO_RETURN);
    house.wait_open(1);
    CHECK(house.progress->bytes == 2 * kLarge + 200'000);
    CHECK(house.progress->ends == 4);
    CHECK(house.is_closed());
  }
}

}  // namespace
}  // namespace jl::network
