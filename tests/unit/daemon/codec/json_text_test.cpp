#include "daemon/codec/json_text.hpp"

#include <doctest/doctest.h>
#include <array>
#include <bit>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <utility>

using namespace jl::codec;
using namespace std::string_literals;

namespace {
boost::json::parse_options any_utf8() {
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;
  return options;
}
}  // namespace

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

  TEST_CASE("characters are escaped wherever they stand in a long text") {
    for (const char c : "\x01\x1f\"\\\n"s) {
      for (std::size_t at = 0; at < 40; ++at) {
        std::string text(40, '\x7f'), json;
        text.replace(at / 2, 3, "温");
        text[at] = c;
        append_quoted(json, text);
        CHECK(boost::json::value_to<std::string>(boost::json::parse(json, {}, any_utf8())) == text);
      }
    }
    std::string json;
    append_quoted(json, std::string(100, '\x1f'));
    CHECK(json.size() == 602);
  }

  TEST_CASE("decimals have the fewest digits that read back as the same number") {
    const std::pair<double, std::string> rows[] = {{0, "0.0"},
                                                   {-0.0, "-0.0"},
                                                   {36.5, "36.5"},
                                                   {-36.8, "-36.8"},
                                                   {0.1 + 0.2, "0.30000000000000004"},
                                                   {1.005, "1.005"},
                                                   {-0.0001, "-0.0001"},
                                                   {0.00012345, "0.00012345"},
                                                   {0.00001, "1e-05"},
                                                   {100000, "100000.0"},
                                                   {999999999, "999999999.0"},
                                                   {999999999.9999, "999999999.9999"},
                                                   {1e9, "1e+09"},
                                                   {1.7976931348623157e308, "1.7976931348623157e+308"},
                                                   {5e-324, "5e-324"}};
    for (const auto& [number, want] : rows) {
      std::string json;
      append_double(json, number);
      CHECK(json == want);
    }
    const std::pair<float, std::string> floats[] = {{36.8F, "36.8"},          {-2, "-2.0"},      {100000, "100000.0"},
                                                    {16777216, "16777216.0"}, {1e-10F, "1e-10"}, {3e38F, "3e+38"}};
    for (const auto& [number, want] : floats) {
      std::string json;
      append_float(json, number);
      CHECK(json == want);
    }
  }

  TEST_CASE("whatever the decimal, it reads back the same, in no more digits than the shortest form has") {
    std::mt19937_64 random(1);
    const auto digits = [](std::string_view text) {
      text = text.substr(0, text.find('e'));
      if (text.ends_with(".0")) text.remove_suffix(2);
      std::string kept;
      for (const char c : text) {
        if (c >= '0' && c <= '9' && (c != '0' || !kept.empty())) kept += c;
      }
      return kept.substr(0, kept.find_last_not_of('0') + 1);
    };
    for (int i = 0; i < 200'000; ++i) {
      const auto bits = random();
      double number = std::bit_cast<double>(bits);
      if (i % 2 == 0) number = static_cast<double>(bits % 2'000'000'000) / (i % 4 == 0 ? 1000.0 : 65'536.0);
      if (!std::isfinite(number)) continue;
      std::string json;
      append_double(json, number);
      CAPTURE(json);
      REQUIRE(std::strtod(json.c_str(), nullptr) == number);
      std::array<char, 32> shortest{};
      const auto end = std::to_chars(shortest.data(), shortest.data() + shortest.size(), number).ptr;
      REQUIRE(digits(json) == digits({shortest.data(), static_cast<std::size_t>(end - shortest.data())}));
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
