// Requests as bytes: what is read out of them, what is refused, and that it does not matter how they are cut.
#include "daemon/network/http_request.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {
namespace {

using Step = HttpRequestReader::Step;

/// Everything that a reader says about some bytes, as one line: "POST /a?q 1.1 body" or "400 why"; "more" at the end
/// when the last request is not whole.
std::string told(const HttpRequestReader& reader) {
  const HttpHead& head = reader.head();
  std::string out = fmt::format("{} {}", head.method, head.path);
  if (!head.query.empty()) out += fmt::format("?{}", head.query);
  if (head.version != 11) out += " 1.0";
  if (!head.keep_alive) out += " close";
  if (head.expects_continue) out += " continue";
  if (!head.authorization.empty()) out += fmt::format(" auth={}", head.authorization);
  if (!head.content_type.empty()) out += fmt::format(" type={}", head.content_type);
  if (head.upgrades) out += fmt::format(" upgrade={}", head.connection_agrees);
  if (!reader.body().empty()) out += fmt::format(" [{}]", reader.body());
  return out;
}

struct Cut {
  std::size_t piece = SIZE_MAX;  ///< bytes at a time
  std::size_t first = 0;         ///< of the first one; 0 = as the others
};

std::vector<std::string> read_all(std::string_view bytes, const HttpRequestLimits& limits, const Cut& cut = {}) {
  std::vector<std::string> story;
  std::unique_ptr<HttpRequestReader> reader;
  std::size_t next = cut.first > 0 ? cut.first : cut.piece;
  while (!bytes.empty()) {
    const std::string piece(bytes.substr(0, next));  // its own allocation: reading beyond it is seen
    bytes.remove_prefix(piece.size());
    next = cut.piece;
    std::string_view in(piece);
    while (!in.empty()) {
      if (reader == nullptr) {
        while (!in.empty() && !HttpRequestReader::is_start(in.front())) in.remove_prefix(1);
        if (in.empty()) break;
        reader = std::make_unique<HttpRequestReader>(limits);
      }
      Step step = reader->take(in);
      if (step == Step::head) step = reader->take(in);
      if (step == Step::refused) {
        story.push_back(fmt::format("{} {}", reader->refusal().status, reader->refusal().detail));
        return story;
      }
      if (step == Step::complete) {
        story.push_back(told(*reader));
        reader.reset();
      } else {
        CHECK(in.empty());
      }
    }
  }
  if (reader != nullptr) story.emplace_back("more");
  return story;
}

/// What is told of these bytes, however they are cut.
std::vector<std::string> story_of(const std::string& bytes, const HttpRequestLimits& limits = {}) {
  const auto whole = read_all(bytes, limits);
  bool is_same = read_all(bytes, limits, {.piece = 1}) == whole;
  for (std::size_t at = 1; at < bytes.size() && at < 400; ++at) {
    is_same &= read_all(bytes, limits, {.first = at}) == whole;
    is_same &= read_all(bytes, limits, {.piece = at}) == whole;
  }
  CHECK(is_same);
  return whole;
}

using Story = std::vector<std::string>;

struct Row {
  std::string name;
  std::string bytes;
  Story story;
};

std::string joined(const Story& story) { return fmt::format("{}", fmt::join(story, " | ")); }

void check(const std::vector<Row>& rows, const HttpRequestLimits& limits = {}) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    CHECK(joined(story_of(row.bytes, limits)) == joined(row.story));
  }
}

const std::string kHost = "Host: a\r\n";

std::string get(std::string_view target, std::string_view fields = {}) {
  return fmt::format("GET {} HTTP/1.1\r\n{}{}\r\n", target, kHost, fields);
}
std::string post(std::string_view fields, std::string_view rest) {
  return fmt::format("POST /p HTTP/1.1\r\n{}{}\r\n{}", kHost, fields, rest);
}
std::string chunked(std::string_view rest) { return post("Transfer-Encoding: chunked\r\n", rest); }

TEST_SUITE("network.http_request") {
  TEST_CASE("requests are read one after the other [RFC 9112 9.3]") {
    check({
        {"a GET", get("/a/b?c=d&e"), {"GET /a/b?c=d&e"}},
        {"a POST",
         post("Content-Type: application/json\r\nAuthorization: Bearer t\r\nContent-Length: 4\r\n", "{\n}\n"),
         {"POST /p auth=Bearer t type=application/json [{\n}\n]"}},
        {"an empty body", post("Content-Length: 0\r\n", "") + get("/x"), {"POST /p", "GET /x"}},
        {"three at once",
         get("/1") + post("Content-Length: 2\r\n", "ab") + get("/3"),
         {"GET /1", "POST /p [ab]", "GET /3"}},
        {"line ends before a request", "\r\n" + get("/1") + "\r\n\r\n" + get("/2"), {"GET /1", "GET /2"}},
        {"the same length twice", post("Content-Length: 2, 2\r\nContent-Length: 2\r\n", "ab"), {"POST /p [ab]"}},
        {"a method of its own", "PURGE / HTTP/1.1\r\n" + kHost + "\r\n", {"PURGE /"}},
        {"field names in any case", "GET / HTTP/1.1\r\nHOST: a\r\nAUTHORIZATION:x\r\n\r\n", {"GET / auth=x"}},
        {"white space around a value", get("/", "Authorization: \t x y \t \r\n"), {"GET / auth=x y"}},
        {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", {"GET /"}},
        {"not whole", get("/").substr(0, 20), {"more"}},
        {"body not whole", post("Content-Length: 5\r\n", "ab"), {"more"}},
    });
  }

  TEST_CASE("whether the connection goes on [RFC 9112 9.3]") {
    check({
        {"1.1", get("/"), {"GET /"}},
        {"1.1 close", get("/", "Connection: close\r\n"), {"GET / close"}},
        {"1.1 close among others", get("/", "Connection: foo, Close\r\n"), {"GET / close"}},
        {"1.0", "GET / HTTP/1.0\r\n\r\n", {"GET / 1.0 close"}},
        {"1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", {"GET / 1.0"}},
    });
  }

  TEST_CASE("targets in origin, absolute and asterisk form [RFC 9112 3.2]") {
    check({
        {"absolute", get("http://example.com:80/a?b"), {"GET /a?b"}},
        {"absolute without path", get("HTTP://example.com"), {"GET /"}},
        {"absolute with query only", get("http://example.com?x"), {"GET /?x"}},
        {"websocket scheme", get("wss://h/s"), {"GET /s"}},
        {"asterisk", "OPTIONS * HTTP/1.1\r\n" + kHost + "\r\n", {"OPTIONS *"}},
        {"asterisk of another method", get("*"), {"400 malformed request target"}},
        {"authority", "CONNECT a:80 HTTP/1.1\r\n" + kHost + "\r\n", {"501 this is no proxy"}},
        {"another scheme", get("ftp://a/b"), {"400 malformed request target"}},
        {"no authority", get("http:///a"), {"400 malformed request target"}},
        {"relative", get("a/b"), {"400 malformed request target"}},
        {"fragment", get("/a#b"), {"400 malformed request target"}},
        {"decoded", get("/%7Bp%7D/%e4%BD%a0"), {"GET /{p}/\xE4\xBD\xA0"}},
        {"trailing slashes", get("/a/b//"), {"GET /a/b"}},
        {"only slashes", get("///"), {"GET /"}},
        {"bad escape", get("/a%2"), {"400 malformed escape in the path"}},
        {"no hex", get("/a%G0"), {"400 malformed escape in the path"}},
        {"U+0000", get("/a%00b"), {"400 malformed escape in the path"}},
        {"not UTF-8", get("/a%FF"), {"400 malformed escape in the path"}},
        {"space", get("/a b"), {"400 malformed request line"}},
        {"a bad escape in the query is the handler's matter", get("/a?%zz"), {"GET /a?%zz"}},
    });
  }

  TEST_CASE("malformed requests are refused") {
    check({
        {"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xFC", {"400 malformed method"}},
        {"space first", " GET / HTTP/1.1\r\n\r\n", {"400 malformed method"}},
        {"no target", "GET\r\n\r\n", {"400 malformed method"}},
        {"no version", "GET /\r\n\r\n", {"400 malformed request target"}},
        {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {"505 only HTTP/1.1 is understood"}},
        {"version 2", "GET / HTTP/2.0\r\n\r\n", {"505 only HTTP/1.1 is understood"}},
        {"version 0.9", "GET / HTTP/0.9\r\n\r\n", {"505 only HTTP/1.1 is understood"}},
        {"bad version", "GET / HTTP/1.x\r\n\r\n", {"400 malformed request line"}},
        {"two spaces", "GET  / HTTP/1.1\r\n\r\n", {"400 malformed request target"}},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", {"400 Host is missing"}},
        {"no Host in 1.0", "GET / HTTP/1.0\r\n\r\n", {"GET / 1.0 close"}},
        {"two Hosts", get("/", "Host: b\r\n"), {"400 a field is given twice"}},
        {"two Authorizations", get("/", "Authorization: a\r\nAuthorization: b\r\n"), {"400 a field is given twice"}},
        {"space before the colon", get("/", "Authorization : a\r\n"), {"400 malformed field name"}},
        {"no colon", get("/", "Authorization\r\n"), {"400 malformed field name"}},
        {"empty name", get("/", ": a\r\n"), {"400 malformed field name"}},
        {"control character", get("/", "Authorization: a\x01\r\n"), {"400 malformed field value"}},
        {"NUL", get("/", std::string("X: a\0b\r\n", 8)), {"400 malformed field value"}},
        {"bare CR", get("/", "X: a\rb\r\n"), {"400 line does not end in CR LF"}},
        {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", {"400 line does not end in CR LF"}},
        {"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", {"400 line does not end in CR LF"}},
        {"folded line", get("/", "X: a\r\n b\r\n"), {"400 folded field line"}},
        {"space before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", {"400 folded field line"}},
        {"unknown expectation",
         post("Expect: 200-ok\r\nContent-Length: 1\r\n", "a"),
         {"417 only 100-continue can be expected"}},
    });
  }

  TEST_CASE("what two servers in a row could read differently is refused [RFC 9112 6.3, 11.2]") {
    check({
        {"length and chunks",
         post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
         {"400 Transfer-Encoding given twice or with Content-Length"}},
        {"chunks and length",
         post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n"),
         {"400 malformed Content-Length"}},
        {"two lengths",
         post("Content-Length: 4\r\nContent-Length: 5\r\n", "abcde"),
         {"400 Content-Length given twice"}},
        {"two in a list", post("Content-Length: 4, 5\r\n", "abcde"), {"400 Content-Length given twice"}},
        {"signed length", post("Content-Length: +4\r\n", "abcd"), {"400 malformed Content-Length"}},
        {"negative length", post("Content-Length: -4\r\n", "abcd"), {"400 malformed Content-Length"}},
        {"hex length", post("Content-Length: 0x4\r\n", "abcd"), {"400 malformed Content-Length"}},
        {"empty length", post("Content-Length:\r\n", "abcd"), {"400 malformed Content-Length"}},
        {"huge length", post("Content-Length: 18446744073709551620\r\n", "abcd"), {"400 malformed Content-Length"}},
        {"chunked twice",
         post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
         {"400 Transfer-Encoding given twice or with Content-Length"}},
        {"identity hides chunked",
         post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
         {"400 a field is given twice"}},
        {"not chunked at the end",
         post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"),
         {"400 Transfer-Encoding does not end in chunked"}},
        {"something else",
         post("Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n", "abcd"),
         {"400 Transfer-Encoding does not end in chunked"}},
        {"a coding before",
         post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
         {"501 only chunked is understood"}},
        {"chunks in 1.0",
         "POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         {"400 Transfer-Encoding in HTTP/1.0"}},
        {"a trailer is no field", chunked("0\r\nAuthorization: t\r\nConnection: close\r\n\r\n"), {"POST /p"}},
        {"a trailer sets no length", chunked("0\r\nContent-Length: 5\r\n\r\n") + get("/n"), {"POST /p", "GET /n"}},
    });
  }

  TEST_CASE("chunked bodies are put together [RFC 9112 7.1]") {
    check({
        {"two chunks", chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") + get("/n"), {"POST /p [abcde]", "GET /n"}},
        {"none", chunked("0\r\n\r\n"), {"POST /p"}},
        {"none and a next one", chunked("0\r\n\r\n") + get("/n"), {"POST /p", "GET /n"}},
        {"extensions", chunked("3;a=b;c=\"d e\"\r\nabc\r\n0;x\r\n\r\n"), {"POST /p [abc]"}},
        {"trailers", chunked("3\r\nabc\r\n0\r\nX: y\r\nZ: z\r\n\r\n") + get("/n"), {"POST /p [abc]", "GET /n"}},
        {"upper case", chunked("A\r\n0123456789\r\n0\r\n\r\n"), {"POST /p [0123456789]"}},
        {"leading zeros", chunked("0003\r\nabc\r\n000\r\n\r\n"), {"POST /p [abc]"}},
        {"whatever the case", post("Transfer-Encoding: Chunked\r\n", "0\r\n\r\n"), {"POST /p"}},
        {"no size", chunked("\r\nabc\r\n0\r\n\r\n"), {"400 malformed chunk"}},
        {"no hex", chunked("g\r\nabc\r\n0\r\n\r\n"), {"400 malformed chunk"}},
        {"a sign", chunked("+3\r\nabc\r\n0\r\n\r\n"), {"400 malformed chunk"}},
        {"0x", chunked("0x3\r\nabc\r\n0\r\n\r\n"), {"400 malformed chunk"}},
        {"too long a size", chunked("11111111111111111\r\nabc\r\n0\r\n\r\n"), {"413 body over the limit"}},
        {"a quote that does not end", chunked("1;a=\"b\r\nx\r\n0\r\n\r\n"), {"POST /p [x]"}},
        {"space after the size", chunked("1 \r\nx\r\n0\r\n\r\n"), {"400 malformed chunk"}},
        {"space before an extension", chunked("1 ; a\r\nx\r\n0\r\n\r\n"), {"POST /p [x]"}},
        {"no extension", chunked("1,a\r\nx\r\n0\r\n\r\n"), {"400 malformed chunk"}},
        {"bare LF after the size", chunked("1\nx\r\n0\r\n\r\n"), {"400 malformed chunk"}},
        {"bare CR in an extension", chunked("1;a\rb\r\nx\r\n0\r\n\r\n"), {"400 malformed chunk"}},
        {"bare LF after the content", chunked("1\r\nx\n0\r\n\r\n"), {"400 malformed chunk"}},
        {"bare LF in the trailers", chunked("0\r\nX: y\n\r\n"), {"400 malformed chunk"}},
        {"bare LF at the end", chunked("0\r\n\n"), {"400 malformed chunk"}},
        {"NUL in the trailers", chunked("0\r\n" + std::string(1, '\0') + "\r\n\r\n"), {"400 malformed chunk"}},
        {"longer than it said", chunked("3\r\nabcd\r\n0\r\n\r\n"), {"400 malformed chunk"}},
        {"not whole", chunked("3\r\nab"), {"more"}},
        {"last line missing", chunked("3\r\nabc\r\n0\r\n"), {"more"}},
    });
  }

  TEST_CASE("100-continue is expected by who sends a body in 1.1 [RFC 9110 10.1.1]") {
    check({
        {"a length", post("Expect: 100-continue\r\nContent-Length: 1\r\n", "a"), {"POST /p continue [a]"}},
        {"chunks", post("Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), {"POST /p continue"}},
        {"no body", post("Expect: 100-continue\r\n", ""), {"POST /p"}},
        {"1.0", "POST /p HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na", {"POST /p 1.0 close [a]"}},
    });
  }

  TEST_CASE("limits hold to the byte") {
    const HttpRequestLimits limits{.max_header = 100, .max_body = 10};
    const std::string fits = get("/", "X: " + std::string(100 - get("/", "X: \r\n").size(), 'x') + "\r\n");
    REQUIRE(fits.size() == 100);
    std::string over = fits;
    over.insert(over.size() - 4, "x");
    check(
        {
            {"head at the limit", fits, {"GET /"}},
            {"head over", over, {"431 fields over the limit"}},
            {"head over, not whole", fits.substr(0, 98) + "xx", {"431 fields over the limit"}},
            {"target over", "GET /" + std::string(95, 'a'), {"414 request line over the limit"}},
            {"garbage", std::string(100, 'A'), {"414 request line over the limit"}},
            {"line of 100", "GET /" + std::string(84, 'a') + " HTTP/1.1\r\n", {"431 fields over the limit"}},
            {"body at the limit", post("Content-Length: 10\r\n", "0123456789"), {"POST /p [0123456789]"}},
            {"body over", post("Content-Length: 11\r\n", ""), {"413 body over the limit"}},
            {"chunks at the limit", chunked("5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n"), {"POST /p [0123456789]"}},
            {"chunks over", chunked("5\r\n01234\r\n6\r\n"), {"413 body over the limit"}},
            {"one chunk over", chunked("fffffffffff\r\n"), {"413 body over the limit"}},
            {"chunk extension over",
             chunked("1;" + std::string(98, 'x')),
             {"431 chunk line or trailers over the limit"}},
            {"trailers over",
             chunked("0\r\nX: " + std::string(200, 'x') + "\r\n\r\n"),
             {"431 chunk line or trailers over the limit"}},
            {"trailers without end",
             chunked("0\r\n" + std::string(97, 'x')),
             {"431 chunk line or trailers over the limit"}},
            {"many chunks",
             chunked("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n1\r\nd\r\n1\r\ne\r\n1\r\nf\r\n1\r\ng\r\n1\r\nh\r\n"
                     "1\r\ni\r\n1\r\nj\r\n0\r\n\r\n"),
             {"POST /p [abcdefghij]"}},
        },
        limits);
  }

  TEST_CASE("fields of a request for a part of a file are noted, those in several lines joined [RFC 9110 5.3]") {
    HttpRequestReader reader({});
    const std::string bytes = get("/f",
                                  "Range: bytes=0-1\r\nIf-Range: \"a\"\r\nIf-Match: \"a\"\r\nIf-None-Match: \"b\"\r\n"
                                  "if-match: W/\"c, d\"\r\nIf-Match: \"a longer one than fits into a small string\"\r\n"
                                  "If-None-Match: \"c\"\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                                  "If-Modified-Since: x\r\nIf-Modified-Since: y\r\nRange: bytes=3-4\r\n");
    std::string_view in(bytes);
    REQUIRE(reader.take(in) == Step::head);
    const HttpHead& head = reader.head();
    CHECK(head.range == "bytes=0-1, bytes=3-4");
    CHECK(head.if_range == "\"a\"");
    CHECK(head.if_match == "\"a\", W/\"c, d\", \"a longer one than fits into a small string\"");
    CHECK(head.if_none_match == "\"b\", \"c\"");
    CHECK(head.if_modified_since == "x, y");
    CHECK(head.if_unmodified_since == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(head.authorization.empty());
  }

  TEST_CASE("a handshake's fields are noted, those in several lines put together [RFC 6455 4.2.1]") {
    HttpRequestReader reader({});
    const std::string bytes = get("/s?token=1",
                                  "Upgrade: foo, WebSocket\r\nConnection: keep-alive\r\nConnection: Upgrade\r\n"
                                  "Sec-WebSocket-Key: k\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Extensions: a; b\r\nSec-WebSocket-Extensions: c\r\n");
    std::string_view in(bytes);
    REQUIRE(reader.take(in) == Step::head);
    CHECK(reader.take(in) == Step::complete);
    const HttpHead& head = reader.head();
    CHECK(head.upgrades);
    CHECK(head.connection_agrees);
    CHECK(head.keep_alive);
    CHECK_FALSE(head.has_body);
    CHECK(head.websocket_key == "k");
    CHECK(head.websocket_version == "13");
    CHECK(head.websocket_extensions == "a; b, c");
    CHECK(head.target == "/s");
    CHECK(head.query == "token=1");
    CHECK(story_of(get("/", "Upgrade: h2c\r\nConnection: upgrade\r\n")) == Story{"GET /"});
    CHECK(story_of(get("/", "Sec-WebSocket-Key: a\r\nSec-WebSocket-Key: b\r\n")) ==
          Story{"400 a field is given twice"});
  }
}

}  // namespace
}  // namespace jl::network
