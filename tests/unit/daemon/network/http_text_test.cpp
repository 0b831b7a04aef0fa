// The small parts: targets, tokens, dates, the handshake, and how answers are written.
#include "daemon/network/http_text.hpp"

#include "daemon/network/http_handshake.hpp"
#include "daemon/network/http_response.hpp"

#include <doctest/doctest.h>
#include <functional>
#include <optional>
#include <string>

namespace jl::network {
namespace {

constexpr Millis kNow = 784'111'777'000;  // of the date in RFC 9110 §5.6.7
const std::string kDate = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n";

std::string written(const HttpResponse& response, const HttpExchange& exchange = {},
                    const std::map<std::string, std::string>& fixed = {}) {
  std::string out = "before";
  append_response(out, response, exchange, HttpFixedFields(fixed), kNow);
  return out.substr(6);
}

HttpHead handshake_head() {
  HttpHead head;
  head.method = "GET";
  head.upgrades = head.connection_agrees = head.keep_alive = true;
  head.websocket_key = "dGhlIHNhbXBsZSBub25jZQ==";
  head.websocket_version = "13";
  return head;
}

TEST_SUITE("network.http_text") {
  TEST_CASE("dates are written as the standard wants them, and follow the clock [RFC 9110 5.6.7]") {
    CHECK(http_date(kNow) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(http_date(kNow + 999) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(http_date(kNow + 1000) == "Sun, 06 Nov 1994 08:49:38 GMT");
    CHECK(http_date(kNow) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(http_date(1'709'164'800'000) == "Thu, 29 Feb 2024 00:00:00 GMT");
  }

  TEST_CASE("dates are read in all three forms that there are, and nothing else is one [RFC 9110 5.6.7]") {
    constexpr Millis kIn2023 = 1'700'000'000'000;
    struct Row {
      std::string text;
      std::optional<Millis> time;
    };
    const Row rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", kNow},
        {"Sunday, 06-Nov-94 08:49:37 GMT", kNow},
        {"Sun Nov  6 08:49:37 1994", kNow},
        {"Sun Nov 16 08:49:37 1994", kNow + 10 * 86'400'000LL},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Wed, 31 Dec 1969 23:59:59 GMT", -1000},
        {"Thu, 29 Feb 2024 00:00:00 GMT", 1'709'164'800'000},
        {"Sat, 31 Dec 2016 23:59:60 GMT", 1'483'228'800'000},              // a leap second
        {"Monday, 06-Nov-73 08:49:37 GMT", kNow + 28'855LL * 86'400'000},  // 2073: 50 years ahead
        {"Monday, 06-Nov-74 08:49:37 GMT", kNow - 7305LL * 86'400'000},    // more than that: 1974
        {"", std::nullopt},
        {"Sun, 06 Nov 1994 08:49:37 UTC", std::nullopt},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", std::nullopt},
        {" Sun, 06 Nov 1994 08:49:37 GMT", std::nullopt},
        {"sun, 06 nov 1994 08:49:37 gmt", std::nullopt},
        {"Sun, 6 Nov 1994 08:49:37 GMT", std::nullopt},
        {"Son, 06 Nov 1994 08:49:37 GMT", std::nullopt},
        {"Sun, 06 Nov 1994 24:00:00 GMT", std::nullopt},
        {"Sun, 06 Nov 1994 08:60:37 GMT", std::nullopt},
        {"Sun, 06 Nov 1994 08:49:61 GMT", std::nullopt},
        {"Thu, 29 Feb 2023 00:00:00 GMT", std::nullopt},
        {"Sun, 00 Nov 1994 08:49:37 GMT", std::nullopt},
        {"Sun, 06 Nov -994 08:49:37 GMT", std::nullopt},
        {"Sun, 06 Nov 1994", std::nullopt},
        {"Sun Nov 6 08:49:37 1994", std::nullopt},
        {"784111777", std::nullopt},
    };
    for (const Row& row : rows) {
      CAPTURE(row.text);
      CHECK(parse_http_date(row.text, kIn2023) == row.time);
    }
    for (const Millis time : {0LL, 951'782'399'000LL, 951'782'400'000LL, 4'102'444'799'000LL}) {
      CHECK(parse_http_date(http_date(time), kIn2023) == time);
    }
  }

  TEST_CASE("tokens are found in lists whatever their case, and nothing else is [RFC 9110 5.6.1]") {
    for (const std::string list : {"upgrade", "Upgrade", "a, UPGRADE", "upgrade,b", " ,, \tupgrade\t ,"}) {
      CAPTURE(list);
      CHECK(has_token(list, "upgrade"));
    }
    for (const std::string list : {"", ",", "upgrades", "up grade", "an upgrade", "upgrade;q=1"}) {
      CAPTURE(list);
      CHECK_FALSE(has_token(list, "upgrade"));
    }
  }

  TEST_CASE("a response has its length, its date and what was asked for") {
    CHECK(written({.body = "{}"}) ==
          "HTTP/1.1 200 OK\r\n" + kDate + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    CHECK(written({.status = 404}) == "HTTP/1.1 404 Not Found\r\n" + kDate + "Content-Length: 0\r\n\r\n");
    CHECK(written({.status = 405, .allow = "GET, POST"}) ==
          "HTTP/1.1 405 Method Not Allowed\r\n" + kDate + "Content-Length: 0\r\nAllow: GET, POST\r\n\r\n");
    CHECK(written({.status = 503, .body = "x", .content_type = "text/plain", .retry_after = 30}) ==
          "HTTP/1.1 503 Service Unavailable\r\n" + kDate +
              "Content-Type: text/plain\r\nContent-Length: 1\r\nRetry-After: 30\r\n\r\nx");
    CHECK(written({.status = 99}).starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
    CHECK(written({.body = "x", .content_type = "a\r\nb: c"}).find("Content-Type: a  b: c\r\n") != std::string::npos);
  }

  TEST_CASE("HEAD is answered with the length and without the body, 204 and 304 with neither [RFC 9110 9.3.2, 8.6]") {
    CHECK(written({.body = "{}"}, {.is_head = true}) ==
          "HTTP/1.1 200 OK\r\n" + kDate + "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n");
    for (const auto& [status, line] : {std::pair(204, "204 No Content"), std::pair(304, "304 Not Modified")}) {
      CHECK(written({.status = status, .body = "{}"}) == "HTTP/1.1 " + std::string(line) + "\r\n" + kDate + "\r\n");
    }
  }

  TEST_CASE("the Connection field says what the version does not imply [RFC 9112 9.3]") {
    const std::string start = "HTTP/1.1 404 Not Found\r\n" + kDate + "Content-Length: 0\r\n";
    CHECK(written({.status = 404}, {.closes = true}) == start + "Connection: close\r\n\r\n");
    CHECK(written({.status = 404}, {.version = 10}) == start + "Connection: keep-alive\r\n\r\n");
    CHECK(written({.status = 404}, {.version = 10, .closes = true}) == start + "Connection: close\r\n\r\n");
  }

  TEST_CASE("fixed fields stand in for the server's own, but never for those that frame a message") {
    const std::map<std::string, std::string> fixed{{"X-Site", "a b"},
                                                   {"date", "never"},
                                                   {"Content-Type", "text/x"},
                                                   {"Content-Length", "99"},
                                                   {"Transfer-Encoding", "chunked"},
                                                   {"CONNECTION", "close"},
                                                   {"Sec-WebSocket-Accept", "x"},
                                                   {"Bad Name", "x"},
                                                   {"X-Split", "a\r\nInjected: b"},
                                                   {"", "x"}};
    CHECK(written({.body = "{}"}, {}, fixed) ==
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/x\r\nX-Site: a b\r\ndate: never\r\n\r\n{}");
  }

  TEST_CASE("more fields of a response are rendered as they are, but none that splits or frames it") {
    const HttpResponse response{.status = 204,
                                .headers = {{"ETag", "\"a\""},
                                            {"X-Split", "a\r\nInjected: b"},
                                            {"X-Feed", "a\nb"},
                                            {"X-Nul", std::string("a\0b", 3)},
                                            {"Bad Name", "x"},
                                            {"Bad:Name", "x"},
                                            {"", "x"},
                                            {"content-length", "7"},
                                            {"Transfer-Encoding", "chunked"},
                                            {"Connection", "close"},
                                            {"Cache-Control", "private"}}};
    CHECK(written(response) == "HTTP/1.1 204 No Content\r\n" + kDate + "ETag: \"a\"\r\nCache-Control: private\r\n\r\n");
    CHECK(written(response, {}, {{"cache-control", "no-store"}}) ==
          "HTTP/1.1 204 No Content\r\n" + kDate + "ETag: \"a\"\r\ncache-control: no-store\r\n\r\n");
  }

  TEST_CASE("before a file comes all but its bytes: its length for GET and HEAD, neither for 304 [RFC 9110 8.6]") {
    HttpResponse response{.body = "not this", .content_type = "application/octet-stream"};
    response.file = std::make_shared<const HttpFile>(HttpFile{.file = nullptr, .offset = 3, .length = 5'000'000'000});
    const std::string head =
        "HTTP/1.1 200 OK\r\n" + kDate + "Content-Type: application/octet-stream\r\nContent-Length: 5000000000\r\n\r\n";
    CHECK(written(response) == head);
    CHECK(written(response, {.is_head = true}) == head);
    CHECK(sends_content(response, {}));
    CHECK_FALSE(sends_content(response, {.is_head = true}));
    response.status = 304;
    CHECK(written(response) == "HTTP/1.1 304 Not Modified\r\n" + kDate + "\r\n");
    CHECK_FALSE(sends_content(response, {}));
  }

  TEST_CASE("problems are short JSON, 426 says what to upgrade to, 503 when to come back") {
    const auto problem = [](int status) {
      std::string out;
      append_problem(out, status, "why", {.closes = true}, {}, kNow);
      return out;
    };
    CHECK(problem(400) == "HTTP/1.1 400 Bad Request\r\n" + kDate +
                              "Content-Type: application/json\r\nContent-Length: 54\r\nConnection: close\r\n\r\n"
                              R"({"success":false,"code":"bad_request","message":"why"})");
    CHECK(problem(426).find("\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade, close\r\n") !=
          std::string::npos);
    CHECK(problem(503).find("\r\nRetry-After: 1\r\n") != std::string::npos);
    for (const auto& [status, code] :
         {std::pair(408, "request_timeout"), std::pair(413, "body_too_large"), std::pair(414, "target_too_long"),
          std::pair(417, "expectation_failed"), std::pair(426, "upgrade_required"), std::pair(431, "header_too_large"),
          std::pair(501, "not_implemented"), std::pair(503, "unavailable"), std::pair(505, "version_not_supported")}) {
      CAPTURE(status);
      CHECK(problem(status).find("\"code\":\"" + std::string(code) + "\"") != std::string::npos);
    }
  }

  TEST_CASE("the accept of a key is that of the standard's example; other keys are none [RFC 6455 1.3, 4.2.1]") {
    CHECK(websocket_accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    for (const std::string key :
         {"", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===", "dGhlIHNhbXBsZSBub25jZQAA",
          "dGhlIHNhbXBsZSBub25j Q==", "dGhlIHNhbXBs=SBub25jZQ==", "dGhlIHNhbXBsZSBub25j"}) {
      CAPTURE(key);
      CHECK_FALSE(websocket_accept(key));
    }
  }

  TEST_CASE("a handshake is in order or refused for one reason [RFC 6455 4.2.1, 4.2.2]") {
    const HttpHandshake good = judge_handshake(handshake_head(), true);
    CHECK(good.refusal.status == 0);
    CHECK(good.accept == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    CHECK(good.extensions.empty());
    CHECK(good.deflate_bits == 0);

    struct Row {
      std::string name;
      std::function<void(HttpHead&)> change;
      int status;
    };
    const Row rows[] = {
        {"POST", [](HttpHead& head) { head.method = "POST"; }, 400},
        {"HTTP/1.0", [](HttpHead& head) { head.version = 10; }, 400},
        {"Connection", [](HttpHead& head) { head.connection_agrees = false; }, 400},
        {"body", [](HttpHead& head) { head.has_body = true; }, 400},
        {"no version", [](HttpHead& head) { head.websocket_version = {}; }, 426},
        {"old version", [](HttpHead& head) { head.websocket_version = "8"; }, 426},
        {"no key", [](HttpHead& head) { head.websocket_key = {}; }, 400},
        {"short key", [](HttpHead& head) { head.websocket_key = "AAAA"; }, 400},
        {"extensions", [](HttpHead& head) { head.websocket_extensions = "a b"; }, 400},
    };
    for (const Row& row : rows) {
      CAPTURE(row.name);
      HttpHead head = handshake_head();
      row.change(head);
      CHECK(judge_handshake(head, true).refusal.status == row.status);
    }
  }

  TEST_CASE("compression is agreed on when it is offered and allowed [RFC 7692 5.1]") {
    HttpHead head = handshake_head();
    head.websocket_extensions = "permessage-deflate; server_max_window_bits=10";
    const HttpHandshake taken = judge_handshake(head, true);
    CHECK(taken.deflate_bits == 10);
    CHECK(taken.extensions ==
          "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10");
    const HttpHandshake declined = judge_handshake(head, false);
    CHECK(declined.refusal.status == 0);
    CHECK(declined.deflate_bits == 0);
    CHECK(declined.extensions.empty());
  }
}

}  // namespace
}  // namespace jl::network
