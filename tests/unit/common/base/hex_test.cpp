#include "common/base/hex.hpp"

#include <doctest/doctest.h>

using namespace jl;

TEST_SUITE("base.hex") {
  TEST_CASE("bytes become digits and digits bytes") {
    CHECK(to_hex(std::string_view("\x00\x7f\xff", 3)) == "007fff");
    CHECK(to_hex("").empty());
    CHECK(from_hex("007fFF") == std::string("\x00\x7f\xff", 3));
    CHECK(from_hex("0x68 00:03,\nAA") == std::string("\x68\x00\x03\xaa", 4));
    CHECK(from_hex("") == "");
  }
  TEST_CASE("what is no hex is told apart") {
    for (const char* text : {"1", "0x1", "zz", "0g", "12 3", "\xff"}) {
      CAPTURE(text);
      CHECK_FALSE(from_hex(text).has_value());
    }
    CHECK(from_hex("0x") == "");
  }
}
