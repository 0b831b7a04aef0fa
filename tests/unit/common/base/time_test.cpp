#include "common/base/time.hpp"

#include <doctest/doctest.h>
#include <random>
#include <string>

using namespace jl;
using namespace std::chrono_literals;

TEST_SUITE("common.base") {
  TEST_CASE("times print as RFC 3339 in UTC with milliseconds") {
    CHECK(format_time(0) == "1970-01-01T00:00:00.000Z");
    CHECK(format_time(1'769'860'800'250) == "2026-01-31T12:00:00.250Z");
    CHECK(format_time(-1) == "1969-12-31T23:59:59.999Z");
    CHECK(format_time(951'782'400'000) == "2000-02-29T00:00:00.000Z");
  }

  TEST_CASE("any offset, a date alone, and epoch milliseconds are read") {
    struct Row {
      const char* text;
      Millis time;
    };
    for (const Row& row :
         {Row{"2026-01-31T12:00:00Z", 1'769'860'800'000}, Row{"2026-01-31T12:00:00.25Z", 1'769'860'800'250},
          Row{"2026-01-31t20:00:00+08:00", 1'769'860'800'000}, Row{"2026-01-31 10:30:00-01:30", 1'769'860'800'000},
          Row{"2026-01-31T12:00Z", 1'769'860'800'000}, Row{"2026-01-31", 1'769'817'600'000},
          Row{"1769860800250", 1'769'860'800'250}, Row{"2026-01-31T12:00:00.123456789Z", 1'769'860'800'123}}) {
      CAPTURE(row.text);
      const auto time = parse_time(row.text);
      REQUIRE(time.has_value());
      CHECK(*time == row.time);
    }
  }

  TEST_CASE("what is not a time is an error") {
    for (const char* text :
         {"", "now", "2026", "2026-13-01", "2026-02-30", "2026-01-31T", "2026-01-31T25:00:00Z", "2026-01-31T12:60:00Z",
          "2026-01-31T12:00:61Z", "2026-01-31T12:00:00", "2026-01-31T12:00:00+8", "2026-01-31T12:00:00Zx", "2026/01/31",
          "99999999999999999999999", "2026-01-31T12:00:00.Zx", "-1"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_time(text).has_value());
    }
  }

  TEST_CASE("a printed time reads back the same") {
    std::mt19937_64 random(7);
    std::uniform_int_distribution<Millis> years(0, 253'402'300'799'999);  // up to the year 9999
    for (int i = 0; i < 1000; ++i) {
      const Millis time = years(random);
      CHECK(parse_time(format_time(time)).value() == time);
    }
  }

  TEST_CASE("durations are read with units, or as seconds") {
    struct Row {
      const char* text;
      std::chrono::milliseconds duration;
    };
    for (const Row& row : {Row{"250ms", 250ms}, Row{"30s", 30s}, Row{"5m", 5min}, Row{"1h30m", 90min}, Row{"7d", 168h},
                           Row{"1.5", 1500ms}, Row{"0", 0ms}, Row{"0.5h", 30min}, Row{"2m500ms", 120'500ms}}) {
      CAPTURE(row.text);
      const auto duration = parse_duration(row.text);
      REQUIRE(duration.has_value());
      CHECK(*duration == row.duration);
    }
    for (const char* text : {"", "x", "-1s", "5x", "s", "1h30", "1..5s", "1e400s", "99999999999d", " 5s"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_duration(text).has_value());
    }
  }

  TEST_CASE("a printed duration reads back the same") {
    CHECK(format_duration(0ms) == "0s");
    CHECK(format_duration(90min) == "1h30m");
    CHECK(format_duration(168h) == "7d");
    CHECK(format_duration(1001ms) == "1s1ms");
    std::mt19937_64 random(7);
    std::uniform_int_distribution<std::int64_t> lengths(0, 1'000'000'000'000);
    for (int i = 0; i < 1000; ++i) {
      const std::chrono::milliseconds duration(lengths(random));
      CAPTURE(duration.count());
      CHECK(parse_duration(format_duration(duration)).value() == duration);
    }
  }
}
