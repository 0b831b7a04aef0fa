// What requests for a file are answered, clause by clause.
#include "daemon/network/http_file.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <algorithm>
#include <string>
#include <vector>

namespace jl::network {
namespace {

constexpr Millis kModified = 784'111'777'345;  // Sun, 06 Nov 1994 08:49:37 GMT and a bit
constexpr Millis kToday = 1'700'000'000'000;
const std::string kThen = "Sun, 06 Nov 1994 08:49:37 GMT";
const std::string kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
const std::string kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";
constexpr std::string_view kSha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // of "abc"

HttpFileFacts facts_of(std::uint64_t size = 1000) {
  return {.size = size, .etag = "v1", .modified = kModified, .file_name = "app.bin", .sha256 = kSha};
}

std::string field(const HttpFileAnswer& answer, std::string_view name) {
  const auto found =
      std::find_if(answer.headers.begin(), answer.headers.end(), [&](const auto& each) { return each.first == name; });
  return found == answer.headers.end() ? "-" : found->second;
}

std::string names(const HttpFileAnswer& answer) {
  std::string out = answer.content_type.empty() ? "" : "Content-Type ";
  for (const auto& [name, value] : answer.headers) out += name + " ";
  return out;
}

struct Row {
  std::string name;
  HttpFileRequest request;
  std::string answer;  ///< "206 100+400", "304"
};

std::string told(const HttpFileAnswer& answer) {
  if (!answer.has_content()) return std::to_string(answer.status);
  return fmt::format("{} {}+{}", answer.status, answer.offset, answer.length);
}

void check(const std::vector<Row>& rows, const HttpFileFacts& facts = facts_of(), Millis now = kToday) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const HttpFileAnswer answer = answer_file_request(row.request, facts, now);
    CHECK(told(answer) == row.answer);
    // What goes with a part says which.
    const std::string range = answer.status == 206   ? fmt::format("bytes {}-{}/{}", answer.offset,
                                                                   answer.offset + answer.length - 1, facts.size)
                              : answer.status == 416 ? fmt::format("bytes */{}", facts.size)
                                                     : "-";
    CHECK(field(answer, "Content-Range") == range);
  }
}

TEST_SUITE("network.http_file") {
  TEST_CASE("one range of bytes is answered with just it [RFC 9110 14.1.2, 14.2]") {
    check({
        {"none", {}, "200 0+1000"},
        {"the first byte", {.range = "bytes=0-0"}, "206 0+1"},
        {"the first 500", {.range = "bytes=0-499"}, "206 0+500"},
        {"the second 500", {.range = "bytes=500-999"}, "206 500+500"},
        {"from a byte on", {.range = "bytes=999-"}, "206 999+1"},
        {"all of it", {.range = "bytes=0-"}, "206 0+1000"},
        {"the last byte", {.range = "bytes=-1"}, "206 999+1"},
        {"a suffix as long as the file", {.range = "bytes=-1000"}, "206 0+1000"},
        {"a suffix that is longer", {.range = "bytes=-1001"}, "206 0+1000"},
        {"an end beyond the file is cut", {.range = "bytes=990-1000"}, "206 990+10"},
        {"an end beyond any file", {.range = "bytes=990-99999999999999999999999"}, "206 990+10"},
        {"a suffix beyond any file", {.range = "bytes=-18446744073709551616"}, "206 0+1000"},
        {"leading zeros", {.range = "bytes=0000000000000000000000001-0002"}, "206 1+2"},
        {"the unit in any case", {.range = "Bytes=1-2"}, "206 1+2"},
        {"empty elements [5.6.1.2]", {.range = "bytes=, 1-2 ,,"}, "206 1+2"},
    });
  }

  TEST_CASE("a range that no byte is in is 416, with the size [RFC 9110 14.4, 15.5.17]") {
    check({
        {"behind the end", {.range = "bytes=1000-"}, "416"},
        {"behind the end, closed", {.range = "bytes=1000-1001"}, "416"},
        {"the last zero bytes", {.range = "bytes=-0"}, "416"},
        {"beyond any file", {.range = "bytes=18446744073709551615-"}, "416"},
        {"beyond 64 bits", {.range = "bytes=18446744073709551616-18446744073709551617"}, "416"},
    });
  }

  TEST_CASE("an invalid range, another unit and several ranges get the whole file [RFC 9110 14.1.1, 14.2]") {
    for (const std::string range : {"bytes",
                                    "bytes=",
                                    "bytes=,",
                                    "bytes=-",
                                    "bytes=5",
                                    "bytes=a-b",
                                    "bytes=1-b",
                                    "bytes=a-",
                                    "bytes=--1",
                                    "bytes=1--2",
                                    "bytes=+1-2",
                                    "bytes=1 -2",
                                    "bytes=1- 2",
                                    "bytes =1-2",
                                    "bytes:1-2",
                                    "1-2",
                                    "items=0-4",
                                    "bytes=2-1",
                                    "bytes=99999999999999999999-99999999999999999998",
                                    "bytes=0x1-0x2",
                                    "bytes=0-1,x",
                                    "bytes=0-1,2-1",
                                    "bytes=0-1,5-6",
                                    "bytes=1000-,0-1",
                                    "bytes=0-1, bytes=5-6",
                                    " bytes=0-1"}) {
      check({{range, {.range = range}, "200 0+1000"}});
    }
  }

  TEST_CASE("an empty file is sent whole, whatever part is asked for [RFC 9110 14.2]") {
    for (const std::string range : {"", "bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0", "bytes=5-"}) {
      check({{range, {.range = range}, "200 0+0"}}, facts_of(0));
    }
  }

  TEST_CASE("the largest file there can be has a last byte") {
    check(
        {
            {"whole", {}, "200 0+18446744073709551615"},
            {"its last byte", {.range = "bytes=18446744073709551614-"}, "206 18446744073709551614+1"},
            {"its end", {.range = "bytes=18446744073709551615-"}, "416"},
            {"all", {.range = "bytes=-99999999999999999999"}, "206 0+18446744073709551615"},
        },
        facts_of(UINT64_MAX));
  }

  TEST_CASE("Range is for GET only [RFC 9110 14.2]") {
    check({
        {"HEAD", {.method = "HEAD", .range = "bytes=0-0"}, "200 0+1000"},
        {"HEAD, not satisfiable", {.method = "HEAD", .range = "bytes=1000-"}, "200 0+1000"},
        {"get", {.method = "get", .range = "bytes=0-0"}, "200 0+1000"},
    });
  }

  TEST_CASE("If-Match compares strongly; what it does not name is 412 [RFC 9110 13.1.1]") {
    check({
        {"the tag", {.if_match = R"("v1")"}, "200 0+1000"},
        {"any", {.if_match = "*"}, "200 0+1000"},
        {"in a list", {.if_match = R"("v0","v1", "v2")"}, "200 0+1000"},
        {"behind one with a comma", {.if_match = R"("v0,v2", "v1")"}, "200 0+1000"},
        {"another", {.if_match = R"("v2")"}, "412"},
        {"in the middle of another", {.if_match = R"("a,v1,b")"}, "412"},
        {"weak", {.if_match = R"(W/"v1")"}, "412"},
        {"not quoted", {.if_match = "v1"}, "412"},
        {"not closed", {.if_match = R"("v1)"}, "412"},
        {"no comma", {.if_match = R"("v0""v1")"}, "412"},
        {"HEAD", {.method = "HEAD", .if_match = R"("v2")"}, "412"},
        {"with a range", {.range = "bytes=1-2", .if_match = R"("v1")"}, "206 1+2"},
        {"with a range of another file", {.range = "bytes=1-2", .if_match = R"("v2")"}, "412"},
    });
  }

  TEST_CASE("If-None-Match compares weakly; what it names is 304, or 412 to change it [RFC 9110 13.1.2]") {
    check({
        {"the tag", {.if_none_match = R"("v1")"}, "304"},
        {"weak", {.if_none_match = R"(W/"v1")"}, "304"},
        {"the W is not one of any case", {.if_none_match = R"(w/"v1")"}, "200 0+1000"},
        {"any", {.if_none_match = "*"}, "304"},
        {"in a list", {.if_none_match = R"(,"v0" , W/"v1")"}, "304"},
        {"another", {.if_none_match = R"("v2")"}, "200 0+1000"},
        {"HEAD", {.method = "HEAD", .if_none_match = R"("v1")"}, "304"},
        {"PUT", {.method = "PUT", .if_none_match = R"("v1")"}, "412"},
        {"before a range that is not there", {.range = "bytes=1000-", .if_none_match = R"("v1")"}, "304"},
        {"a range of another", {.range = "bytes=1-2", .if_none_match = R"("v2")"}, "206 1+2"},
    });
  }

  TEST_CASE("If-Modified-Since compares in seconds, and without a date of ours or of theirs says nothing [13.1.3]") {
    check({
        {"the same second", {.if_modified_since = kThen}, "304"},
        {"later", {.if_modified_since = kAfter}, "304"},
        {"earlier", {.if_modified_since = kBefore}, "200 0+1000"},
        {"HEAD", {.method = "HEAD", .if_modified_since = kThen}, "304"},
        {"another method", {.method = "POST", .if_modified_since = kThen}, "200 0+1000"},
        {"no date", {.if_modified_since = "yesterday"}, "200 0+1000"},
        {"two of them",
         {.if_modified_since = "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT"},
         "200 0+1000"},
        {"an old form", {.if_modified_since = "Sunday, 06-Nov-94 08:49:37 GMT"}, "304"},
    });
    HttpFileFacts timeless = facts_of();
    timeless.modified = 0;
    check({{"no Last-Modified", {.if_modified_since = kAfter}, "200 0+1000"}}, timeless);
  }

  TEST_CASE("If-Unmodified-Since is 412 when the file is younger [RFC 9110 13.1.4]") {
    check({
        {"the same second", {.if_unmodified_since = kThen}, "200 0+1000"},
        {"later", {.if_unmodified_since = kAfter}, "200 0+1000"},
        {"earlier", {.if_unmodified_since = kBefore}, "412"},
        {"no date", {.if_unmodified_since = "x"}, "200 0+1000"},
    });
    HttpFileFacts timeless = facts_of();
    timeless.modified = 0;
    check({{"no Last-Modified", {.if_unmodified_since = kBefore}, "200 0+1000"}}, timeless);
  }

  TEST_CASE("preconditions have an order, and a tag makes the date beside it moot [RFC 9110 13.2.2]") {
    check({
        {"If-Match holds, the date does not count",
         {.if_match = R"("v1")", .if_unmodified_since = kBefore},
         "200 0+1000"},
        {"If-Match fails before If-None-Match", {.if_match = R"("v2")", .if_none_match = R"("v1")"}, "412"},
        {"If-Unmodified-Since before If-None-Match",
         {.if_none_match = R"("v1")", .if_unmodified_since = kBefore},
         "412"},
        {"If-Match holds, then If-None-Match", {.if_match = R"("v1")", .if_none_match = R"("v1")"}, "304"},
        {"If-None-Match holds, the date does not count",
         {.if_none_match = R"("v2")", .if_modified_since = kAfter},
         "200 0+1000"},
        {"If-Range comes last", {.range = "bytes=0-0", .if_range = R"("v2")", .if_none_match = R"("v1")"}, "304"},
    });
  }

  TEST_CASE("If-Range gives the part only for a strong validator of this very file [RFC 9110 13.1.5]") {
    check({
        {"the tag", {.range = "bytes=10-19", .if_range = R"("v1")"}, "206 10+10"},
        {"another", {.range = "bytes=10-19", .if_range = R"("v2")"}, "200 0+1000"},
        {"weak", {.range = "bytes=10-19", .if_range = R"(W/"v1")"}, "200 0+1000"},
        {"two", {.range = "bytes=10-19", .if_range = R"("v1", "v1")"}, "200 0+1000"},
        {"any is none", {.range = "bytes=10-19", .if_range = "*"}, "200 0+1000"},
        {"the date, exactly", {.range = "bytes=10-19", .if_range = kThen}, "206 10+10"},
        {"a later date", {.range = "bytes=10-19", .if_range = kAfter}, "200 0+1000"},
        {"an earlier date", {.range = "bytes=10-19", .if_range = kBefore}, "200 0+1000"},
        {"neither", {.range = "bytes=10-19", .if_range = "v1"}, "200 0+1000"},
        {"without Range", {.if_range = R"("v1")"}, "200 0+1000"},
        {"not satisfiable", {.range = "bytes=1000-", .if_range = R"("v1")"}, "416"},
        {"not satisfiable of another", {.range = "bytes=1000-", .if_range = R"("v2")"}, "200 0+1000"},
    });
    // Within the second it may have changed again [8.8.2.2].
    const std::vector<Row> by_date{{"now", {.range = "bytes=10-19", .if_range = kThen}, "200 0+1000"}};
    check(by_date, facts_of(), kModified);
    check(by_date, facts_of(), kModified / 1000 * 1000 + 999);
    check({{"a second on", {.range = "bytes=10-19", .if_range = kThen}, "206 10+10"}}, facts_of(),
          kModified / 1000 * 1000 + 1000);
  }

  TEST_CASE("a file without a tag matches no tag, but any") {
    HttpFileFacts facts = facts_of();
    for (const std::string_view etag : {"", "a\"b", "a b", "a\r\nb"}) {
      facts.etag = etag;
      const std::string quoted = fmt::format("\"{}\"", etag);
      CHECK(field(answer_file_request({}, facts, kToday), "ETag") == "-");
      check(
          {
              {"If-Match", {.if_match = quoted}, "412"},
              {"If-Match any", {.if_match = "*"}, "200 0+1000"},
              {"If-None-Match", {.if_none_match = quoted}, "200 0+1000"},
              {"If-Range", {.range = "bytes=0-0", .if_range = quoted}, "200 0+1000"},
          },
          facts);
    }
  }

  TEST_CASE("each answer has the fields that belong to it [RFC 9110 15.3.7, 15.4.5; RFC 9530 3]") {
    const auto answer = [](const HttpFileRequest& request) { return answer_file_request(request, facts_of(), kToday); };
    const HttpFileAnswer whole = answer({});
    CHECK(names(whole) == "Content-Type Accept-Ranges ETag Last-Modified Repr-Digest Content-Disposition ");
    CHECK(whole.content_type == "application/octet-stream");
    CHECK(field(whole, "Accept-Ranges") == "bytes");
    CHECK(field(whole, "ETag") == "\"v1\"");
    CHECK(field(whole, "Last-Modified") == kThen);
    CHECK(field(whole, "Repr-Digest") == "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:");
    CHECK(field(whole, "Content-Disposition") == "attachment; filename=\"app.bin\"");
    CHECK(names(answer({.range = "bytes=0-0"})) ==
          "Content-Type Accept-Ranges Content-Range ETag Last-Modified Repr-Digest Content-Disposition ");
    CHECK(names(answer({.range = "bytes=0-0", .if_range = "\"v1\""})) == "Accept-Ranges Content-Range ETag ");
    CHECK(names(answer({.range = "bytes=2000-"})) == "Accept-Ranges Content-Range ");
    CHECK(names(answer({.if_none_match = "*"})) == "ETag ");
    CHECK(names(answer({.if_match = "\"x\""})).empty());
    HttpFileFacts untagged = facts_of();
    untagged.etag = {};
    CHECK(names(answer_file_request({.if_modified_since = kThen}, untagged, kToday)) == "Last-Modified ");
  }

  TEST_CASE("what is not known, or not valid, is not said; Last-Modified is never in the future [RFC 9110 8.8.2.1]") {
    const HttpFileAnswer bare = answer_file_request({}, {.size = 1}, kToday);
    CHECK(names(bare) == "Content-Type Accept-Ranges ");
    HttpFileFacts facts = facts_of();
    for (const std::string_view sha :
         {"", "ba78", "zz7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}) {
      facts.sha256 = sha;
      CHECK(field(answer_file_request({}, facts, kToday), "Repr-Digest") == "-");
    }
    CHECK(field(answer_file_request({}, facts, kModified - 1'000'000), "Last-Modified") ==
          "Sun, 06 Nov 1994 08:32:57 GMT");
  }

  TEST_CASE("file names of any kind become one safe field [RFC 6266 4.3, RFC 8187 3.2]") {
    struct Name {
      std::string name, field;
    };
    const Name rows[] = {
        {"app.bin", R"(attachment; filename="app.bin")"},
        {"my app (2).bin", R"(attachment; filename="my app (2).bin")"},
        {"a\"b.bin", R"(attachment; filename="a_b.bin"; filename*=UTF-8''a%22b.bin)"},
        {"50%.bin", R"(attachment; filename="50_.bin"; filename*=UTF-8''50%25.bin)"},
        {"\xE5\x9B\xBA\xE4\xBB\xB6 1.bin",
         R"(attachment; filename="______ 1.bin"; filename*=UTF-8''%E5%9B%BA%E4%BB%B6%201.bin)"},
        {"../../etc/passwd", R"(attachment; filename=".._.._etc_passwd")"},
        {"a\\b", R"(attachment; filename="a_b")"},
        {"a\r\nX: y", R"(attachment; filename="a__X: y")"},
        {std::string("a\0b", 3), R"(attachment; filename="a_b")"},
        {"\xE9t\xE9.bin", R"(attachment; filename="_t_.bin")"},  // not UTF-8
        {"", "attachment"},
        {".", "attachment"},
        {"..", "attachment"},
    };
    for (const Name& row : rows) {
      CAPTURE(row.name);
      CHECK(attachment_disposition(row.name) == row.field);
    }
  }
}

}  // namespace
}  // namespace jl::network
