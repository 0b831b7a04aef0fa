#include "daemon/codec/json_text.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

using namespace jl::codec;
using namespace std::string_literals;

TEST_SUITE("codec.json_text") {
  TEST_CASE("strings are escaped as RFC 8259 section 7 asks") {
    std::string json;
    append_quoted(json, "a\"b\\c\n\t\r\b\f\x01 三/"s + '\0');
    CHECK(json == "\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001 三/\\u0000\"");
    CHECK(boost::json::parse(json).as_string() == "a\"b\\c\n\t\r\b\f\x01 三/"s + '\0');
  }

  TEST_CASE("base64 gives the test vectors of RFC 4648 section 10") {
    const std::pair<std::string, std::string> rows[] = {{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"fooba", "Zm9vYmE="},
                                                        {"foobar", "Zm9vYmFy"},
                                                        {"\x00\xff\x10\xa5"s, "AP8QpQ=="}};
    for (const auto& [bytes, want] : rows) {
      std::string json;
      append_base64(json, bytes);
      CHECK(json == '"' + want + '"');
    }
  }

  TEST_CASE("values are written plainly and keep their kind") {
    std::string json;
    append_value(json,
                 boost::json::parse(
                     R"({"a":36.8,"b":5.0,"c":[],"d":{},"e":[1,null,true],"f":9007199254740993,"g":"x\"","h":1e300})"));
    CHECK(json == R"({"a":36.8,"b":5.0,"c":[],"d":{},"e":[1,null,true],"f":9007199254740993,"g":"x\"","h":1e+300})");
    json.clear();
    append_value(json, std::numeric_limits<double>::infinity());
    CHECK(json == "null");
    json.clear();
    append_value(json, std::numeric_limits<std::uint64_t>::max());
    CHECK(json == "18446744073709551615");
    json.clear();
    append_integer(json, std::numeric_limits<std::int64_t>::min());
    CHECK(json == "-9223372036854775808");
  }
}
