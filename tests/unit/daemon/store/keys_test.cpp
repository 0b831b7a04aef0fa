#include "daemon/store/store.hpp"

#include <doctest/doctest.h>

using namespace jl::store;

TEST_SUITE("store.keys") {
  TEST_CASE("a key is its parts with NUL between them") {
    CHECK(key({}) == "");
    CHECK(key({"a"}) == "a");
    CHECK(key({"network", "mqtt-1"}) == std::string("network\0mqtt-1", 14));
    CHECK(key({"network", ""}) == std::string("network\0", 8));
    CHECK(key({"", "", ""}) == std::string("\0\0", 2));
  }

  TEST_CASE("keys sort part by part, so a longer first part comes after all of a shorter one") {
    CHECK(key({"net", "z"}) < key({"net-a", "a"}));
    CHECK(key({"net", "z"}) < key({"net.a"}));
    CHECK(key({"a", "b"}) < key({"a", "b", "c"}));
    CHECK(key({"a", "b", "z"}) < key({"a", "bb", "a"}));
  }

  TEST_CASE("a part of a key is found by its index, and is empty beyond the last") {
    const auto text = key({"a", "", "ccc"});
    CHECK(key_part(text, 0) == "a");
    CHECK(key_part(text, 1) == "");
    CHECK(key_part(text, 2) == "ccc");
    CHECK(key_part(text, 3) == "");
    CHECK(key_part(text, 1000) == "");
    CHECK(key_part("", 0) == "");
    CHECK(key_part("", 1) == "");
  }

  TEST_CASE("numbers are 8 bytes, sort as numbers, and read back") {
    constexpr std::uint64_t kNumbers[] = {0, 1, 255, 256, 0x0102030405060708, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF};
    std::string last;
    for (const auto number : kNumbers) {
      CAPTURE(number);
      std::string text;
      append_u64(text, number);
      CHECK(text.size() == 8);
      CHECK(read_u64(text) == number);
      CHECK(read_u64(text + "more") == number);
      CHECK(last < text);
      last = text;
    }
    std::string text = "x";
    append_u64(text, 0x0102030405060708);
    CHECK(text == "x\x01\x02\x03\x04\x05\x06\x07\x08");
    CHECK(read_u64("short") == 0);
  }

  TEST_CASE("the end of a prefix is the smallest key above all that start with it") {
    CHECK(prefix_end("a") == "b");
    CHECK(prefix_end("ab") == "ac");
    CHECK(prefix_end(std::string("a\0", 2)) == "a\x01");
    CHECK(prefix_end("a\xFF") == "b");
    CHECK(prefix_end("a\xFE") == "a\xFF");
    CHECK(prefix_end("a\xFF\xFF") == "b");
    CHECK(prefix_end("\x7F") == "\x80");
    CHECK(prefix_end("\xFF") == "");
    CHECK(prefix_end("\xFF\xFF") == "");
    CHECK(prefix_end("") == "");
  }

  TEST_CASE("every family has its own name") {
    CHECK(to_string(Family::resources) == "resources");
    CHECK(to_string(Family::meta) == "meta");
    for (auto a = 0; a < static_cast<int>(Family::count_); ++a) {
      CHECK_FALSE(to_string(static_cast<Family>(a)).empty());
      for (auto b = 0; b < a; ++b) CHECK(to_string(static_cast<Family>(a)) != to_string(static_cast<Family>(b)));
    }
  }
}
