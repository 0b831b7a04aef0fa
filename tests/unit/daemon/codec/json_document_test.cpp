#include "daemon/codec/json_document.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>
#include <string>

using namespace jl;
using namespace jl::codec;
using namespace std::string_literals;

namespace {
std::string nested(std::size_t levels) {
  std::string text = "{\"a\":";
  for (std::size_t i = 1; i < levels; ++i) text += '[';
  text += '1';
  for (std::size_t i = 1; i < levels; ++i) text += ']';
  return text + '}';
}
Result<JsonValue> parse(std::string_view text) { return JsonDocument::of_this_thread().parse_object(text); }
}  // namespace

TEST_SUITE("codec.json_document") {
  TEST_CASE("members come with their parsed value and their text without white space") {
    const auto root = parse("  { \"a\" : [ 1 , \"x ]\\\" y\" , { } ] ,\n \"b\\u0063\" : -1.50e3 , \"\" : null }\r\n");
    REQUIRE(root.has_value());
    CHECK(root->text == R"({"a":[1,"x ]\" y",{}],"b\u0063":-1.50e3,"":null})");
    JsonMembers members(*root);
    JsonMember member;
    REQUIRE(members.next(member));
    CHECK(member.key == "a");
    CHECK(member.plain_key() == "a");
    CHECK(member.value.text == R"([1,"x ]\" y",{}])");
    CHECK(members.deepest() == 2);
    JsonItems items(member.value);
    JsonValue item;
    REQUIRE(items.next(item));
    CHECK(item.text == "1");
    REQUIRE(items.next(item));
    CHECK(std::string_view(item.element) == "x ]\" y");
    REQUIRE(items.next(item));
    CHECK(item.is_object());
    CHECK(!items.next(item));
    REQUIRE(members.next(member));
    CHECK(member.key == "bc");
    CHECK(member.plain_key().data() == nullptr);
    CHECK(member.value.text == "-1.50e3");
    REQUIRE(members.next(member));
    CHECK(member.key.empty());
    CHECK(member.plain_key().data() != nullptr);
    CHECK(member.value.is_null());
    CHECK(!members.next(member));
  }

  TEST_CASE("what follows the object is ignored [wire.md 1.1]") {
    for (const auto& text : {"{\"a\":1}\0"s, "{\"a\":1}{\"a\":2}"s, "{\"a\":1} \n garbage \"\xff"s, "{\"a\":1}}"s}) {
      const auto root = parse(text);
      REQUIRE(root.has_value());
      CHECK(root->text == R"({"a":1})");
    }
  }

  TEST_CASE("every byte of the object must be JSON in UTF-8 [wire.md 1.1]") {
    const std::string rows[] = {"",
                                " ",
                                "{",
                                "}",
                                "null",
                                "[]",
                                "[{}]",
                                "1",
                                "\"x\"",
                                "{bad",
                                "{\"a\":}",
                                "{\"a\":1,}",
                                "{\"a\":1 2}",
                                "{\"a\":tru}",
                                "{\"a\":truee}",
                                "{\"a\":01}",
                                "{\"a\":+1}",
                                "{\"a\":.5}",
                                "{\"a\":1.}",
                                "{\"a\":1e}",
                                "{\"a\":NaN}",
                                "{\"a\":1e999}",
                                "{\"a\":123456789012345678901234567890}",
                                "{\"a\":\"\\x\"}",
                                "{\"a\":\"\\u12\"}",
                                "{\"a\":\"\t\"}",
                                "{\"a\":\"\xff\"}",
                                "{\"a\":\"\xc0\x80\"}",
                                "{\"a\":\"\xed\xa0\x80\"}",
                                "{\"a\":\"x}",
                                "{'a':1}",
                                "{a:1}",
                                "{1:1}",
                                "{\"a\" 1}",
                                "{\"a\":1 \"b\":2}",
                                "{\"a\":[1,]}",
                                "{\"a\":[1}",
                                "{\"a\":\"\\ud800\"}",
                                "{\"a\":\"\\udc00\"}",
                                "{\"a\":\"\\ud800\\u0041\"}",
                                "{\"a\":\"\\ud83d\\ud83d\"}",
                                "{\"\\udfff\":1}",
                                "\xef\xbb\xbf{}",
                                "{\"a\":1"};
    for (const auto& text : rows) {
      CAPTURE(text);
      const auto root = parse(text);
      REQUIRE(root.has_error());
      CHECK(root.error().code == Errc::invalid);
    }
    CHECK(parse(R"({"a":"\ud83d\ude00 \\ud800 \\\\udc00"})").has_value());
  }

  TEST_CASE("32 levels of nesting are read and 33 are refused") {
    for (std::size_t levels : {1u, 2u, 31u, 32u}) {
      const auto root = parse(nested(levels));
      REQUIRE(root.has_value());
      JsonMembers members(*root);
      for (JsonMember member; members.next(member);) {
      }
      CHECK(members.deepest() + 1 == levels);
      // The limit is what Boost.JSON reads with its own defaults.
      CHECK_NOTHROW(static_cast<void>(boost::json::parse(std::string(root->text))));
    }
    CHECK(parse(nested(33)).has_error());
    CHECK(parse(nested(100'000)).has_error());
    CHECK(parse(std::string(100'000, '{')).has_error());
  }

  TEST_CASE("a number whose exponent strict readers cannot count is refused, the same text in a string is not") {
    for (const char* number : {"0e217000000000000000", "0E+999999", "1e-217000000000000000", "-0.0e999999"}) {
      CAPTURE(number);
      CHECK(parse(R"({"a":[")" + std::string(number) + R"(\""]})").has_value());
      const auto refused = parse("{\"a\":[" + std::string(number) + "]}");
      REQUIRE(refused.has_error());
      CHECK(refused.error().code == Errc::invalid);
    }
    for (const char* number : {"1e5", "-2.5E-10", "0e0", "1e308", "1e00005"}) {
      CAPTURE(number);
      const auto root = parse("{\"a\":" + std::string(number) + "}");
      REQUIRE(root.has_value());
      CHECK_NOTHROW(static_cast<void>(boost::json::parse(std::string(root->text))));
    }
  }

  TEST_CASE("large and small payloads follow one another") {
    const std::string large = "{\"a\":\"" + std::string(3'000'000, 'x') + "\"}";
    for (int i = 0; i < 3; ++i) {
      auto root = parse(large);
      REQUIRE(root.has_value());
      CHECK(root->text.size() == large.size());
      root = parse("{}");
      REQUIRE(root.has_value());
      CHECK(root->text == "{}");
    }
  }
}
