#include "common/base/words.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace jl;

TEST_SUITE("common.base") {
  TEST_CASE("an id is [A-Za-z0-9][A-Za-z0-9._-]{0,63} [architecture.md 1]") {
    for (const std::string& good : std::vector<std::string>{"a", "9", "mqtt-1", "A.b_c-d", std::string(64, 'x')}) {
      CAPTURE(good);
      CHECK(is_valid_id(good));
    }
    for (const std::string& bad :
         std::vector<std::string>{"", "-a", ".a", "_a", "a b", "a/b", "ä", "a\n", std::string(65, 'x')}) {
      CAPTURE(bad);
      CHECK_FALSE(is_valid_id(bad));
    }
    CHECK_FALSE(is_valid_id(std::string_view("a\0b", 3)));
  }

  TEST_CASE("characters are counted, and malformed UTF-8 is told apart [RFC 3629]") {
    CHECK(utf8_length("") == 0);
    CHECK(utf8_length("abc") == 3);
    CHECK(utf8_length("温度") == 2);
    CHECK(utf8_length("\xF0\x9F\x98\x80") == 1);
    CHECK(utf8_length("\xF4\x8F\xBF\xBF") == 1);  // U+10FFFF
    for (const std::string bad : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                  "\xF5\x80\x80\x80", "\xE6\xB8", "a\xFF", "\xC3(", "\xF0\x80\x80\x80"}) {
      CAPTURE(bad);
      CHECK(utf8_length(bad) == std::string_view::npos);
      CHECK_FALSE(is_printable_utf8(bad, true));
    }
  }

  TEST_CASE("control characters do not print; line breaks only in texts of several lines") {
    CHECK(is_printable_utf8("North roof, 北"));
    CHECK_FALSE(is_printable_utf8("a\nb"));
    CHECK(is_printable_utf8("a\n\tb\r\n", true));
    for (const std::string bad : {"\x01", "\x1B[31m", "\x7F", "\xC2\x85"}) {
      CHECK_FALSE(is_printable_utf8(bad));
      CHECK_FALSE(is_printable_utf8(bad, true));
    }
    CHECK_FALSE(is_printable_utf8(std::string_view("\0", 1)));
  }

  TEST_CASE("edit distance counts insertions, deletions, replacements and swaps of neighbours, without case") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("abc", "") == 3);
    CHECK(edit_distance("gatway", "gateway") == 1);
    CHECK(edit_distance("netwrok", "network") == 1);
    CHECK(edit_distance("PORT", "port") == 0);
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance(std::string(500, 'a'), std::string(500, 'a')) == 0);
  }

  TEST_CASE("the nearest word is a plausible typo, or a longer word that starts so, or nothing [cli.md 2.7]") {
    const std::vector<std::string> nouns{"network", "protocol", "gateway", "product", "device"};
    CHECK(nearest_word("netwrok", nouns) == "network");
    CHECK(nearest_word("gatway", nouns) == "gateway");
    CHECK(nearest_word("dev", nouns) == "device");
    CHECK(nearest_word("xyzzy", nouns).empty());
    CHECK(nearest_word("", nouns).empty());
    CHECK(nearest_word("network", std::vector<std::string>{}).empty());
  }

  TEST_CASE("spellings: case, kebab case, joining") {
    CHECK(iequals("MQTT", "mqtt"));
    CHECK_FALSE(iequals("mqtt", "mqt"));
    CHECK(to_lower("MQTT_Server") == "mqtt_server");
    CHECK(kebab_case("maxMessageSize") == "max-message-size");
    CHECK(kebab_case("mqtt_server") == "mqtt-server");
    CHECK(kebab_case("port") == "port");
    CHECK(join(std::vector<std::string>{"a", "b", "c"}) == "a, b, c");
    CHECK(join(std::vector<std::string>{"a", "b"}, "|") == "a|b");
    CHECK(join(std::vector<std::string>{}).empty());
  }

  TEST_CASE("globs match the whole text") {
    CHECK(glob_match("network *", "network add"));
    CHECK(glob_match("*", ""));
    CHECK(glob_match("a?c", "abc"));
    CHECK_FALSE(glob_match("a?c", "ac"));
    CHECK_FALSE(glob_match("net", "network"));
    CHECK(glob_match("*work", "network"));
    CHECK(glob_match("*a*b*", "xxaxxbxx"));
    CHECK_FALSE(glob_match("*a*b*", "xxbxxaxx"));
    CHECK_FALSE(glob_match("", "x"));
    CHECK_FALSE(glob_match("*a*a*a*a*a*a*a*a*b", std::string(2000, 'a')));  // must not take exponential time
  }
}
