#include "daemon/wire/mqtt/packet.hpp"

#include "daemon/wire/mqtt/text.hpp"

#include <doctest/doctest.h>
#include <set>
#include <string>

using namespace jl::wire::mqtt;
using namespace std::string_literals;

TEST_SUITE_BEGIN("wire.mqtt");

TEST_CASE(
    "topic names have at least one character, no wildcard and no null [3.1.1 MQTT-4.7.3-1] [3.1.1 MQTT-4.7.3-2] [3.1.1 "
    "MQTT-4.7.1-1]") {
  const std::pair<std::string, bool> rows[] = {
      {"a", true},          {"/", true},
      {"//", true},         {"/p/d/properties/report", true},
      {" ", true},          {"$SYS/x", true},
      {"温度/一", true},    {"", false},
      {"+", false},         {"#", false},
      {"a/+/b", false},     {"a/#", false},
      {"sport+", false},    {"12345678#", false},
      {"a\0b"s, false},     {"1234567\0"s, false},
      {"a\xC0\x80", false}, {"a\xED\xA0\x80", false},
      {"a\xFF", false},     {"12345678\xC3", false},
  };
  for (const auto& [topic, valid] : rows) {
    CAPTURE(topic);
    CHECK(is_valid_topic_name(topic) == valid);
  }
  CHECK(is_valid_topic_name(std::string(65535, 't')));
  CHECK_FALSE(is_valid_topic_name(std::string(65536, 't')));
}

TEST_CASE("wildcards in filters fill a whole level and # is the last [3.1.1 MQTT-4.7.1-2] [3.1.1 MQTT-4.7.1-3]") {
  const std::pair<std::string, bool> rows[] = {
      {"#", true},      {"+", true},    {"a/#", true},    {"a/+", true},           {"+/a", true},     {"/+", true},
      {"+/+/#", true},  {"a/b", true},  {"/", true},      {"a//#", true},          {"", false},       {"a#", false},
      {"a/#/b", false}, {"#/a", false}, {"a+", false},    {"+a", false},           {"a/b+/c", false}, {"a/#b", false},
      {"##", false},    {"++", false},  {"a\0b"s, false}, {"\xED\xBF\xBF", false},
  };
  for (const auto& [filter, valid] : rows) {
    CAPTURE(filter);
    CHECK(is_valid_topic_filter(filter) == valid);
  }
}

TEST_CASE(
    "filters match topics level by level [3.1.1 MQTT-4.7.1-2] [3.1.1 MQTT-4.7.1-3] [3.1.1 MQTT-4.7.2-1] [3.1.1 "
    "MQTT-4.7.3-4]") {
  struct Row {
    const char* filter;
    const char* topic;
    bool matches;
  };
  const Row rows[] = {
      {"sport/tennis/player1/#", "sport/tennis/player1", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
      {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
      {"sport/tennis/player1/#", "sport/tennis/player11", false},
      {"sport/#", "sport", true},
      {"sport/#", "sport/", true},
      {"#", "a/b/c", true},
      {"#", "/", true},
      {"sport/tennis/+", "sport/tennis/player1", true},
      {"sport/tennis/+", "sport/tennis/player1/ranking", false},
      {"sport/+", "sport", false},
      {"sport/+", "sport/", true},
      {"+/+", "/finance", true},
      {"/+", "/finance", true},
      {"+", "/finance", false},
      {"+", "finance", true},
      {"+/tennis/#", "a/tennis", true},
      {"+/tennis/#", "a/tennis/b/c", true},
      {"#", "$SYS/a", false},
      {"+/monitor/Clients", "$SYS/monitor/Clients", false},
      {"$SYS/#", "$SYS/a/b", true},
      {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
      {"a/b", "a/b", true},
      {"a/b", "a/B", false},
      {"a/b", "a/b/", false},
      {"a/b/", "a/b", false},
      {"a", "a/b", false},
      {"a/b", "a", false},
      {"a/+/c", "a//c", true},
      {"a/+/c", "a/b/d", false},
      {"a/#", "b", false},
      {"", "a", false},
      {"a", "", false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.filter);
    CAPTURE(row.topic);
    CHECK(topic_matches(row.filter, row.topic) == row.matches);
  }
}

TEST_CASE("strings are well-formed UTF-8 without U+0000 [3.1.1 MQTT-1.5.3-1] [3.1.1 MQTT-1.5.3-2]") {
  const std::pair<std::string, bool> rows[] = {
      {"", true},
      {"plain", true},
      {"\xEF\xBB\xBF", true},       // U+FEFF is a character like others [3.1.1 MQTT-1.5.3-3]
      {"\x01\x1F", true},           // discouraged, not forbidden
      {"\xF0\x9F\x98\x80", true},   // four bytes
      {"\xF4\x8F\xBF\xBF", true},   // U+10FFFF
      {"\xF4\x90\x80\x80", false},  // above it
      {"\xED\x9F\xBF", true},       // last before the surrogates
      {"\xED\xA0\x80", false},      // surrogates
      {"\xED\xBF\xBF", false},
      {"\xC0\xAF", false},  // overlong
      {"\xE0\x9F\xBF", false},
      {"\xF0\x8F\xBF\xBF", false},
      {"\x80", false},                 // stray continuation
      {"\xC3", false},                 // cut off
      {"1234567\xE4\xB8\xAD"s, true},  // across a machine word
      {"1234567\xE4\xB8"s, false},
      {"12345678\0"s, false},
      {"\0"s, false},
  };
  for (const auto& [text, valid] : rows) {
    CAPTURE(text);
    CHECK(is_valid_text(text) == valid);
  }
}

TEST_CASE("wildcards are seen at every place of a text") {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      text[at] = at % 2 == 0 ? '+' : '#';
      CAPTURE(text);
      CHECK(inspect_text(text).wildcard);
      text[at] = '\0';
      CHECK_FALSE(inspect_text(text).well_formed);
      text[at] = '\xFE';
      CHECK_FALSE(inspect_text(text).well_formed);
    }
    const TextTraits plain = inspect_text(std::string(size, '\''));  // not far from '#' and '+'
    CHECK(plain.well_formed);
    CHECK_FALSE(plain.wildcard);
  }
}

TEST_CASE("every close cause and every reason code has its own name") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(CloseCause::storage_failure); ++i) {
    CHECK(names.insert(to_string(static_cast<CloseCause>(i))).second);
  }
  CHECK_FALSE(names.contains("unknown"));
  names.clear();
  for (int i = 0x80; i <= 0xA2; ++i) CHECK(names.insert(to_string(static_cast<ReasonCode>(i))).second);
  for (const int i : {0, 1, 2, 4, 0x10, 0x11, 0x18, 0x19})
    CHECK(names.insert(to_string(static_cast<ReasonCode>(i))).second);
  CHECK_FALSE(names.contains("unknown"));
  CHECK(to_string(static_cast<ReasonCode>(0x7F)) == "unknown");
}

TEST_SUITE_END();
