#include "daemon/codec/cbor.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>
#include <string>

using namespace jl;
using namespace std::string_literals;

namespace {
std::string unhex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::string convert(std::string_view bytes) {
  std::string json = "left over";
  const Status status = codec::cbor_to_json(bytes, json);
  if (!status) CHECK(status.error().code == Errc::invalid);
  return status ? json : "refused";
}
std::string json_of(std::string_view hex) { return convert(unhex(hex)); }
}  // namespace

TEST_SUITE("codec.cbor") {
  TEST_CASE("items become the JSON of the same value [RFC 8949 appendix A]") {
    const std::pair<const char*, const char*> rows[] = {
        {"00", "0"},
        {"17", "23"},
        {"1818", "24"},
        {"1903e8", "1000"},
        {"1a000f4240", "1000000"},
        {"1b000000e8d4a51000", "1000000000000"},
        {"1b7fffffffffffffff", "9223372036854775807"},
        {"1bffffffffffffffff", "18446744073709551615"},
        {"20", "-1"},
        {"3903e7", "-1000"},
        {"3b7fffffffffffffff", "-9223372036854775808"},
        {"f90000", "0.0"},
        {"f93c00", "1.0"},
        {"f93e00", "1.5"},
        {"f97bff", "65504.0"},
        {"f90400", "6.1035156e-05"},
        {"f90001", "5.9604645e-08"},
        {"f9c400", "-4.0"},
        {"fa47c35000", "100000.0"},
        {"fa42133333", "36.8"},
        {"fb3ff199999999999a", "1.1"},
        {"fb7e37e43c8800759c", "1e+300"},
        {"f97c00", "null"},
        {"fa7fc00000", "null"},
        {"fbfff0000000000000", "null"},
        {"f4", "false"},
        {"f5", "true"},
        {"f6", "null"},
        {"f7", "null"},
        {"60", "\"\""},
        {"6161", "\"a\""},
        {"62225c", R"("\"\\")"},
        {"62c3bc", "\"ü\""},
        {"40", "\"\""},
        {"4401020304", "\"AQIDBA==\""},
        {"80", "[]"},
        {"83010203", "[1,2,3]"},
        {"8301820203820405", "[1,[2,3],[4,5]]"},
        {"a0", "{}"},
        {"a26161016162820203", R"({"a":1,"b":[2,3]})"},
        {"826161a161626163", R"(["a",{"b":"c"}])"},
        {"5f42010243030405ff", "\"AQIDBAU=\""},
        {"7f657374726561646d696e67ff", "\"streaming\""},
        {"7fff", "\"\""},
        {"9fff", "[]"},
        {"9f018202039f0405ffff", "[1,[2,3],[4,5]]"},
        {"bf61610161629f0203ffff", R"({"a":1,"b":[2,3]})"},
        {"826161bf61626163ff", R"(["a",{"b":"c"}])"},
        {"bf6346756ef563416d7421ff", R"({"Fun":true,"Amt":-2})"},
        {"a17f61616162ff01", R"({"ab":1})"},
        {"c074323031332d30332d32315432303a30343a30305a", "\"2013-03-21T20:04:00Z\""},
        {"c11a514b67b0", "1363896240"},
        {"d9d9f7a16161d82001", R"({"a":1})"},
        {"c0c1c200", "0"},
        {"a1c0616101", R"({"a":1})"},
    };
    for (const auto& [bytes, want] : rows) {
      CAPTURE(bytes);
      CHECK(json_of(bytes) == want);
      boost::json::error_code error;
      static_cast<void>(boost::json::parse(want, error));
      CHECK(!error);
    }
  }

  TEST_CASE("what is not one well-formed item is refused [RFC 8949 appendix F]") {
    const char* const rows[] = {
        "",
        "18",
        "19",
        "1a",
        "1b",
        "1901",
        "1a0102",
        "1b01020304050607",
        "38",
        "58",
        "78",
        "98",
        "9a01ff00",
        "b8",
        "d8",
        "f8",
        "f900",
        "fa0000",
        "fb000000",
        "41",
        "61",
        "5affffffff00",
        "5bffffffffffffffff010203",
        "7affffffff00",
        "7b7fffffffffffffff010203",
        "81",
        "8200",
        "9f",
        "9f01",
        "a1",
        "a20102",
        "a100",
        "bf",
        "bf6161",
        "bf616101",
        "bf6161ff",
        "c0",
        "5f",
        "5f4100",
        "7f",
        "7f6100",
        "5f00ff",
        "5f6100ff",
        "5fc000ff",
        "5f80ff",
        "5f5f4100ffff",
        "7f4100ff",
        "7f7f6100ffff",
        "ff",
        "81ff",
        "8200ff",
        "a1ff",
        "a16161ff",
        "9fc0ff",
        "bfc0ff",
        "1c",
        "1d",
        "1e",
        "1f",
        "3f",
        "5c",
        "7e",
        "9d",
        "be",
        "df",
        "fc",
        "fe",
        "f818",
        "f0",
        "e0",
        "0000",
        "a000",
        "9fffff",
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "3b8000000000000000",
        "3bffffffffffffffff",
        "a10000",
        "a14161f6",
        "a18000",
        "a1a000",
        "a1f600",
        "bf00ff",
        "a15f4161ff00",
    };
    for (const auto* bytes : rows) {
      CAPTURE(bytes);
      CHECK(json_of(bytes) == "refused");
    }
  }

  TEST_CASE("nesting and the number of items are bounded") {
    const auto nested = [](std::size_t levels, char opening) { return std::string(levels, opening) + '\x00'; };
    CHECK(convert(nested(32, '\x81')) != "refused");
    CHECK(convert(nested(33, '\x81')) == "refused");
    CHECK(convert(nested(1'000'000, '\x81')) == "refused");
    CHECK(convert(nested(1'000'000, '\xc0')) == "refused");
    CHECK(convert(std::string(1'000'000, '\x9f')) == "refused");
    CHECK(convert(std::string(1'000'000, '\x5f')) == "refused");
    // The chunks of a string are no level.
    CHECK(convert(std::string(32, '\x81') + "\x7f\x61x\xff"s) != "refused");
    CHECK(convert("\x9f"s + std::string(65'534, '\0') + "\xff") != "refused");
    CHECK(convert("\x9f"s + std::string(65'535, '\0') + "\xff") == "refused");
    CHECK(convert("\x7f"s + std::string(65'535, '\x60') + "\xff") == "refused");
  }

  TEST_CASE("the time that is answered is a map of definite length [wire.md 4]") {
    std::string bytes, json;
    codec::append_cbor_time(bytes, "ts-9", 1'700'000'000'000);
    CHECK(bytes == "\xa2\x69messageId\x64ts-9\x69timestamp\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x00"s);
    REQUIRE(codec::cbor_to_json(bytes, json).has_value());
    CHECK(json == R"({"messageId":"ts-9","timestamp":1700000000000})");
    bytes.clear();
    codec::append_cbor_time(bytes, "", 5);
    CHECK(bytes == "\xa1\x69timestamp\x05"s);
  }
}
