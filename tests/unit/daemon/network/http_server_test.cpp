#include "daemon/network/http_server.hpp"

#include "tests/unit/daemon/network/http_support.hpp"

#include <doctest/doctest.h>
#include <future>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;

std::string problem(int status, std::string_view reason, std::string_view code, std::string_view message,
                    std::string_view fields = {}) {
  const std::string body = fmt::format(R"({{"success":false,"code":"{}","message":"{}"}})", code, message);
  return fmt::format(
      "HTTP/1.1 {} {}\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n{}Connection: "
      "close\r\n\r\n{}",
      status, reason, kDateField, body.size(), fields, body);
}

TEST_SUITE("network.http_server") {
  TEST_CASE("the handler hears what a request says, and its answer goes back") {
    HttpHouse house;
    house.options.headers = {{"X-Site", "north"}};
    house.handler->answer = [](HttpConnection& connection, const HttpRequest& request) {
      CHECK(request.method == "PUT");
      CHECK(request.path == "/p/d/properties/{x}");
      CHECK(request.target == "/p/d/properties/%7Bx%7D/");
      CHECK(request.query == "a=b");
      CHECK(request.body == "{}");
      CHECK(request.authorization == "Bearer t");
      CHECK(request.content_type == "application/json");
      CHECK_FALSE(connection.is_websocket());
      CHECK(connection.peer().starts_with("127.0.0.1:"));
      CHECK(connection.tls_subject().empty());
      connection.respond({.status = 201, .body = "made", .content_type = "text/plain"});
      connection.respond({.status = 500});  // a second answer is nothing
      CHECK_FALSE(connection.send("x", true));
      connection.accept_websocket();
      connection.close_websocket(1000, "");
    };
    house.start();
    HttpClient client(house.port());
    client.send(
        "PUT /p/d/properties/%7Bx%7D/?a=b HTTP/1.1\r\nHost: h\r\nauthorization: Bearer t\r\nContent-Type: "
        "application/json\r\nContent-Length: 2\r\n\r\n{}");
    CHECK(client.read_response() == "HTTP/1.1 201 Created\r\n" + kDateField +
                                        "Content-Type: text/plain\r\nContent-Length: 4\r\nX-Site: north\r\n\r\nmade");
    CHECK(client.is_quiet());
    CHECK(house.counters().received_messages == 1);
    CHECK(house.counters().sent_messages == 1);
    CHECK(house.counters().connected == 1);
  }

  TEST_CASE("requests and answers as bytes") {
    const std::string again = get("/end", kClose);
    const std::string last = ok_response("GET /end", kClose);
    struct Row {
      std::string name, sent, answer;
    };
    const Row rows[] = {
        {"keep-alive is the rule in 1.1 [RFC 9112 9.3]", get("/a") + again, ok_response("GET /a") + last},
        {"a body", post("/a", "x") + again, ok_response("POST /a") + last},
        {"chunks", "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + again,
         ok_response("POST /c") + last},
        {"HEAD", "HEAD /h HTTP/1.1\r\nHost: h\r\n\r\n" + again,
         ok_response("HEAD /h").substr(0, ok_response("HEAD /h").size() - 7) + last},
        {"pipelined [RFC 9112 9.3.2]", get("/1") + post("/2", "ab") + get("/3") + again,
         ok_response("GET /1") + ok_response("POST /2") + ok_response("GET /3") + last},
        {"nothing after close", again + get("/never"), last},
        {"1.0 ends", "GET /o HTTP/1.0\r\n\r\n", ok_response("GET /o", kClose)},
        {"1.0 goes on when asked to", "GET /o HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /p HTTP/1.0\r\n\r\n",
         ok_response("GET /o", "Connection: keep-alive\r\n") + ok_response("GET /p", kClose)},
        {"100-continue [RFC 9110 10.1.1]", post("/x", "ab", "Expect: 100-continue\r\n") + again,
         "HTTP/1.1 100 Continue\r\n\r\n" + ok_response("POST /x") + last},
        {"expected with too long a body",
         "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n",
         problem(413, "Payload Too Large", "body_too_large", "body over the limit")},
        {"something else expected", post("/x", "ab", "Expect: tea\r\n"),
         problem(417, "Expectation Failed", "expectation_failed", "only 100-continue can be expected")},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", problem(400, "Bad Request", "bad_request", "Host is missing")},
        {"malformed after a good one", get("/a") + "nonsense\r\n\r\n" + get("/never"),
         ok_response("GET /a") + problem(400, "Bad Request", "bad_request", "malformed method")},
        {"smuggling", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         problem(400, "Bad Request", "bad_request", "Transfer-Encoding given twice or with Content-Length")},
        {"long target", "GET /" + std::string(500, 'a'),
         problem(414, "URI Too Long", "target_too_long", "request line over the limit")},
        {"long fields", get("/", "X: " + std::string(500, 'a')),
         problem(431, "Request Header Fields Too Large", "header_too_large", "fields over the limit")},
        {"long body", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 65\r\n\r\n" + std::string(65, 'x') + get("/never"),
         problem(413, "Payload Too Large", "body_too_large", "body over the limit")},
        {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: h\r\n\r\n",
         problem(501, "Not Implemented", "not_implemented", "this is no proxy")},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
         problem(505, "HTTP Version Not Supported", "version_not_supported", "only HTTP/1.1 is understood")},
        {"an upgrade to something else is ignored [RFC 9110 7.8]",
         get("/", "Upgrade: h2c\r\nConnection: upgrade\r\n") + again, ok_response("GET /") + last},
        {"a broken handshake", get("/s", "Upgrade: websocket\r\n"),
         problem(400, "Bad Request", "bad_request", "Connection does not name upgrade")},
    };
    HttpHouse house;
    house.options.max_header_bytes = 400;
    house.options.max_body_bytes = 64;
    house.start();
    for (const Row& row : rows) {
      CAPTURE(row.name);
      HttpClient client(house.port());
      client.send(row.sent);
      CHECK(client.read_all() == row.answer);
    }
  }

  TEST_CASE("wherever a client's bytes are cut, the answers are the same") {
    const std::string sent = get("/1") + "\r\n" +
                             "POST /2 HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
                             "2\r\nab\r\n0\r\n\r\n" +
                             post("/3", "body") + "HEAD /4 HTTP/1.1\r\nHost: h\r\n\r\nGET /bad\n";
    HttpHouse house;
    house.start();
    HttpClient whole(house.port());
    whole.send(sent);
    const std::string answer = whole.read_all();
    CHECK(answer.find("400 Bad Request") != std::string::npos);
    CHECK(house.handler->log() == std::vector<std::string>{"GET /1", "POST /2", "POST /3", "HEAD /4", "close"});
    for (std::size_t at = 1; at < sent.size(); ++at) {
      CAPTURE(at);
      HttpClient client(house.port());
      const std::uint64_t before = house.counters().received_bytes;
      client.send(sent.substr(0, at));
      house.wait_received(before + at);
      client.send(sent.substr(at));
      REQUIRE(client.read_all() == answer);
    }
    HttpClient slow(house.port());
    const std::uint64_t before = house.counters().received_bytes;
    for (std::size_t at = 0; at < sent.size(); ++at) {
      slow.send(sent.substr(at, 1));
      house.wait_received(before + at + 1);
    }
    CHECK(slow.read_all() == answer);
  }

  TEST_CASE("a later answer holds the next request back, and comes in its turn") {
    HttpHouse house;
    auto later = house.handler->answer;
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest& request) {
      if (request.path != "/wait") later(connection, request);
    };
    house.start();
    HttpClient client(house.port());
    const std::string bytes = get("/a") + get("/wait") + get("/b") + get("/wait") + get("/c", kClose);
    client.send(bytes);
    CHECK(client.read_response() == ok_response("GET /a"));
    house.wait_received(bytes.size());
    CHECK(client.is_quiet());
    CHECK(house.handler->log() == std::vector<std::string>{"GET /a", "GET /wait"});
    // No time limit of the connection's runs meanwhile.
    house.pass(1'000'000);
    const auto connection = house.handler->last();
    REQUIRE(connection != nullptr);
    run_on(connection->thread(), [&] {
      connection->respond({.body = "1", .content_type = "text/plain"});
      // The next request does not come from inside of that call.
      CHECK(house.handler->log().size() == 2);
    });
    CHECK(client.read_response() ==
          ok_response("1").replace(17, kDateField.size(), "Date: Tue, 14 Nov 2023 22:30:00 GMT\r\n"));
    CHECK(client.read_response().ends_with("GET /b"));
    CHECK(eventually([&] { return house.handler->log().size() == 4; }));
    run_on(connection->thread(), [&] { connection->respond({.body = "2", .content_type = "text/plain"}); });
    CHECK(client.read_response().ends_with("2"));
    CHECK(client.read_response().ends_with("GET /c"));
    CHECK(client.at_end());
    CHECK(house.handler->log() ==
          std::vector<std::string>{"GET /a", "GET /wait", "GET /b", "GET /wait", "GET /c", "close"});
    client.close();
    CHECK(eventually([&] { return house.handler->attachments == 0; }));
  }

  TEST_CASE("while a request waits, what else the client sends stays in the socket") {
    HttpHouse house;
    house.handler->answer = [](auto&&...) {};
    house.start();
    HttpClient client(house.port());
    client.send(get("/wait"));
    CHECK(eventually([&] { return house.handler->log().size() == 1; }));
    const std::string more(4096, '\n');
    std::size_t sent = 0;
    for (int quiet = 0; quiet < 3;) {
      const std::size_t taken = client.send_some(more);
      sent += taken;
      quiet = taken == 0 ? quiet + 1 : 0;
      settle(house.threads.at(0));
    }
    CHECK(sent > 0);
    CHECK(house.counters().received_bytes < 64 * 1024 + 100);
    const auto connection = house.handler->last();
    run_on(connection->thread(), [&] { connection->respond({.status = 204}); });
    CHECK(client.read_response().starts_with("HTTP/1.1 204 No Content\r\n"));
    house.wait_received(sent);
  }

  TEST_CASE("a client that closed its half still gets its answers") {
    HttpHouse house;
    house.start();
    HttpClient prompt(house.port());
    prompt.send(get("/a") + get("/b"));
    prompt.half_close();
    CHECK(prompt.read_all() == ok_response("GET /a") + ok_response("GET /b"));

    house.handler->answer = [](auto&&...) {};
    HttpClient patient(house.port());
    patient.send(get("/c") + get("/d"));
    patient.half_close();
    CHECK(eventually([&] { return house.handler->count("GET /c") == 1; }));
    settle(house.threads.at(0));
    const auto connection = house.handler->last();
    run_on(connection->thread(), [&] { connection->respond({.status = 404}); });
    CHECK(patient.read_status() == 404);
    CHECK(eventually([&] { return house.handler->count("GET /d") == 1; }));
    run_on(connection->thread(), [&] { connection->respond({.status = 404}); });
    CHECK(patient.read_status() == 404);
    CHECK(patient.at_end());
  }

  TEST_CASE("a client that is gone while its request waits is told to the handler, and the answer finds nobody") {
    HttpHouse house;
    house.handler->answer = [](auto&&...) {};
    house.start();
    HttpClient client(house.port());
    client.send(get("/wait"));
    CHECK(eventually([&] { return house.handler->log().size() == 1; }));
    const auto connection = house.handler->last();
    client.reset();
    CHECK(eventually([&] { return house.handler->count("close") == 1; }));
    run_on(connection->thread(), [&] {
      connection->respond({.status = 200});
      CHECK_FALSE(connection->send("x", true));
    });
    house.wait_open(0);
    CHECK(house.handler->log() == std::vector<std::string>{"GET /wait", "close"});
    CHECK(house.handler->attachments == 0);
  }

  TEST_CASE("the handler may end the connection with an answer") {
    HttpHouse house;
    house.handler->answer = [](HttpConnection& connection, const HttpRequest& request) {
      connection.respond({.status = 401, .close = true});
      CHECK(request.path == "/a");  // its views are still there although the connection has ended
    };
    house.start();
    HttpClient client(house.port());
    client.send(get("/a") + get("/b"));
    CHECK(client.read_all() ==
          "HTTP/1.1 401 Unauthorized\r\n" + kDateField + "Content-Length: 0\r\nConnection: close\r\n\r\n");
    CHECK(house.handler->log() == std::vector<std::string>{"GET /a", "close"});
    client.close();
    house.wait_open(0);
    CHECK(house.counters().disconnected == 1);
    CHECK(house.counters().rejected == 0);
  }

  TEST_CASE("a handler that throws costs its client the connection and nobody else") {
    HttpHouse house;
    const auto good = house.handler->answer;
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest& request) {
      if (request.path == "/throw") throw std::runtime_error("handler");
      good(connection, request);
    };
    house.start();
    HttpClient other(house.port());
    HttpClient client(house.port());
    client.send(get("/throw"));
    CHECK(client.read_all().empty());
    CHECK(eventually([&] { return house.handler->count("close") == 1; }));
    other.send(get("/a"));
    CHECK(other.read_response() == ok_response("GET /a"));
  }

  TEST_CASE("stop() ends idle connections, lets a request be answered, and says so in the answer") {
    HttpHouse house;
    house.handler->answer = [&](HttpConnection& connection, const HttpRequest& request) {
      if (request.path != "/wait") connection.respond({.status = 204});
    };
    house.start();
    HttpClient fresh(house.port());
    HttpClient idle(house.port());
    idle.send(get("/a"));
    CHECK(idle.read_status() == 204);
    HttpClient half(house.port());
    half.send(get("/half").substr(0, 10));
    HttpClient waiting(house.port());
    waiting.send(get("/wait") + get("/never"));
    CHECK(eventually([&] { return house.handler->count("GET /wait") == 1; }));
    const auto connection = house.handler->last();
    house.wait_received(get("/a").size() + 10 + get("/wait").size() + get("/never").size());

    auto stopped = std::async(std::launch::async, [&] { house.server->stop(std::chrono::seconds(5)); });
    CHECK(idle.at_end());
    CHECK(fresh.at_end());
    half.send(get("/half").substr(10));
    CHECK(half.read_all().starts_with("HTTP/1.1 204 No Content\r\n" + kDateField + "Connection: close\r\n"));
    run_on(connection->thread(), [&] { connection->respond({.status = 204}); });
    CHECK(waiting.read_all().starts_with("HTTP/1.1 204 No Content\r\n" + kDateField + "Connection: close\r\n"));
    fresh.close(), idle.close(), half.close(), waiting.close();
    CHECK(stopped.wait_for(kCeiling) == std::future_status::ready);
    CHECK(house.handler->count("GET /never") == 0);
    CHECK(house.handler->count("close") == 3);
    CHECK_FALSE(TcpClient().open(house.port()));
  }

  TEST_CASE("stop() does not wait longer than it may for an answer") {
    HttpHouse house;
    house.handler->answer = [](auto&&...) {};
    house.start();
    HttpClient client(house.port());
    client.send(get("/wait"));
    CHECK(eventually([&] { return house.handler->log().size() == 1; }));
    house.server->stop(std::chrono::milliseconds(0));
    CHECK(house.handler->log() == std::vector<std::string>{"GET /wait", "close"});
    CHECK(house.handler->attachments == 0);
    CHECK(house.counters().connections == 0);
  }

  TEST_CASE("update() is for the connections that come") {
    HttpHouse house;
    house.start();
    HttpClient old(house.port());
    old.send(get("/a"));
    CHECK(old.read_response() == ok_response("GET /a"));
    house.options.headers = {{"X-New", "1"}};
    house.options.max_body_bytes = 1;
    house.server->update(house.options);
    HttpClient fresh(house.port());
    fresh.send(get("/a") + post("/b", "ab"));
    CHECK(fresh.read_response() == ok_response("GET /a", "X-New: 1\r\n"));
    CHECK(fresh.read_status() == 413);
    old.send(post("/b", "ab"));
    CHECK(old.read_response() == ok_response("POST /b"));
  }

  TEST_CASE("list() tells of every connection, with the name that the handler gave it") {
    HttpHouse house(2);
    house.handler->answer = [](HttpConnection& connection, const HttpRequest&) {
      connection.set_client("dev-1");
      connection.respond({.status = 204});
    };
    house.start();
    HttpClient named(house.port());
    named.send(get("/"));
    CHECK(named.read_status() == 204);
    HttpClient nameless(house.port());
    house.wait_open(2);
    house.pass(3000);
    std::promise<std::vector<ConnectionInfo>> promise;
    house.server->list([&](std::vector<ConnectionInfo> all) { promise.set_value(std::move(all)); });
    auto listed = promise.get_future();
    REQUIRE(listed.wait_for(kCeiling) == std::future_status::ready);
    auto all = listed.get();
    REQUIRE(all.size() == 2);
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.client > b.client; });
    CHECK(all[0].client == "dev-1");
    CHECK(all[0].connected_for == 3000);
    CHECK(all[0].silent_for == 3000);
    CHECK(all[1].client.empty());
  }

  TEST_CASE("a thousand requests in one go are answered in order") {
    HttpHouse house;
    house.start();
    HttpClient client(house.port());
    std::string sent;
    for (int i = 0; i < 1000; ++i) sent += get(fmt::format("/{}", i));
    client.send(sent);
    for (int i = 0; i < 1000; ++i) REQUIRE(client.read_response() == ok_response(fmt::format("GET /{}", i)));
    CHECK(house.counters().received_messages == 1000);
  }
}

}  // namespace
}  // namespace jl::network
