#include "common/base/base64.hpp"

#include <doctest/doctest.h>
#include <random>

using namespace jl;
using namespace std::string_literals;

namespace {
const std::pair<std::string, std::string> kVectors[] = {{"", ""},
                                                        {"f", "Zg=="},
                                                        {"fo", "Zm8="},
                                                        {"foo", "Zm9v"},
                                                        {"foob", "Zm9vYg=="},
                                                        {"fooba", "Zm9vYmE="},
                                                        {"foobar", "Zm9vYmFy"},
                                                        {"\x00\xff\x10\xa5"s, "AP8QpQ=="},
                                                        {"\xff\xef", "/+8="}};
}  // namespace

TEST_SUITE("base.base64") {
  TEST_CASE("the test vectors of RFC 4648 section 10 hold in both directions") {
    for (const auto& [bytes, text] : kVectors) {
      CAPTURE(text);
      CHECK(to_base64(bytes) == text);
      CHECK(from_base64(text) == bytes);
      CHECK(from_pasted_base64(text).value() == bytes);
      std::string line = "x";
      append_base64(line, bytes);
      CHECK(line == "x" + text);
    }
  }

  TEST_CASE("whatever the bytes, they come back") {
    std::mt19937 random(1);
    for (std::size_t size = 0; size < 300; ++size) {
      std::string bytes(size, '\0');
      for (char& c : bytes) c = static_cast<char>(random());
      CHECK(from_base64(to_base64(bytes)) == bytes);
      CHECK(from_pasted_base64(to_base64(bytes)).value() == bytes);
    }
  }

  TEST_CASE("the strict form is the one that is written and no other") {
    for (const auto* text : {"Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zh==", "Zm9=", "Zm8=Zm8=", "Z=g=", "Zm9v\n",
                             " Zm9v", "Zm9*", "Zm-_", "Zm9v=", "\xc3\xbc==", "Zm9v===="}) {
      CAPTURE(text);
      CHECK(!from_base64(text));
    }
    CHECK(!from_base64("Zg=\0"s));
  }

  TEST_CASE("the pasted form has white space and may lack its padding, and is refused when it is cut") {
    CHECK(from_pasted_base64(" Zm9v\r\n\tYg = =\n").value() == "foob");
    CHECK(from_pasted_base64("Zm9vYg").value() == "foob");
    CHECK(from_pasted_base64("Zm9vYmE").value() == "fooba");
    for (const auto* text : {"Z", "Zm9vY", "Zg=", "Zm8==", "Zm9v=", "Zg===", "=", "Zg==Zg", "Z*", "Zm9v-"}) {
      CAPTURE(text);
      REQUIRE(from_pasted_base64(text).has_error());
      CHECK(from_pasted_base64(text).error().code == Errc::invalid);
    }
    CHECK(from_pasted_base64("Zm 9*").error().message == "character 5 is not base64");
  }
}
