#include "daemon/modbus/decimal.hpp"

#include <doctest/doctest.h>

#include <cfloat>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace jl::modbus {

namespace {

double real(const Decimal& number) { return to_double(number).value(); }
Decimal read(std::string_view text) {
  const auto number = parse_decimal(text);
  REQUIRE_MESSAGE(number.has_value(), text);
  return *number;
}

}  // namespace

TEST_SUITE("modbus.decimal") {
  TEST_CASE("numbers in text") {
    struct Row {
      std::string text;
      double want;
    };
    const std::vector<Row> table{
        {"0", 0},
        {"-0", -0.0},
        {"12", 12},
        {"+12", 12},
        {"-12.5", -12.5},
        {".5", 0.5},
        {"5.", 5},
        {"007", 7},
        {"1e3", 1000},
        {"1E+3", 1000},
        {"25e-1", 2.5},
        {"0.0000000000000000000000000000000000000000000000001", 1e-49},
        {"1e-9999999999999", 0},
        {"340282366920938463463374607431768211456123456789", 340282366920938463463374607431768211456123456789.0},
        {"0." + std::string(300, '3'), 1.0 / 3},
        {std::string(60, '9') + ".9", 1e60},
    };
    for (const auto& row : table) {
      CAPTURE(row.text);
      CHECK(real(read(row.text)) == row.want);
    }
    for (const char* text : {"", "-", ".", "e5", "1e", "1e+", "1e1.5", "--1", "1 ", " 1", "0x10", "1,5", "nan", "inf",
                             "1_000", "12a", "1e5e5"})
      CHECK_MESSAGE(!parse_decimal(text).has_value(), text);
    CHECK(!parse_decimal(std::string(401, '1')).has_value());
    CHECK(!parse_decimal(std::string_view("1\0", 2)).has_value());
  }

  TEST_CASE("sums and products are those of paper") {
    CHECK(real(read("0.1") + read("0.2")) == 0.3);
    CHECK(real(read("3") * read("0.1")) == 0.3);
    CHECK(real(read("1000") * read("0.1") - read("100")) == 0);
    CHECK(real(read("-40") + read("40.5")) == 0.5);
    CHECK(real(read("40") + read("-40.5")) == -0.5);
    CHECK(real(read("0") - read("2")) == -2);
    CHECK(real(read("12.3") / read("0.1")) == 123);
    CHECK(real(read("-1") / read("3")) == -1.0 / 3);
    CHECK(real(read("0") / read("-3")) == 0);
    CHECK(real(read("0") * read("-3")) == 0);
    CHECK(!std::signbit(real(read("0") * read("-3"))));
    CHECK(real(decimal_of(UINT64_MAX) * decimal_of(0.001)) == 18446744073709551.615);
    CHECK(real(decimal_of(1e300) * decimal_of(1e-300)) == 1);
  }

  TEST_CASE("numbers too far apart for all their digits keep the greater one's, and which side of it they are on") {
    CHECK(real(read("1e60") + read("1e-60")) == 1e60);
    CHECK(real(rounded(read("0.5") + read("1e-60"), 0)) == 1);
    CHECK(real(rounded(read("2.5") - read("1e-60"), 0)) == 2);
    CHECK(real(rounded(read("0.05" + std::string(60, '0') + "1"), 1)) == 0.1);
    CHECK(real(rounded(read("0.04" + std::string(300, '9')), 1)) == 0);
    CHECK(real(rounded(read("1") / read("3"), 2)) == 0.33);
    // 2^53 + 1 lies between two doubles; a bit more does not.
    CHECK(real(read("63050394783186951") / read("7")) == 9007199254740992.0);
    CHECK(real(read("63050394783186951.000000000000000000001") / read("7")) == 9007199254740994.0);
    CHECK(real(read("9007199254740993." + std::string(60, '0') + "1")) == 9007199254740994.0);
    const Decimal most = read(std::string(38, '9'));
    CHECK(real(most + most) == 2e38);
    CHECK(real((most + most) + (most + most)) == 4e38);
    CHECK(real(most * most) == 1e76);
    CHECK(real(most / most) == 1);
  }

  TEST_CASE("half-way numbers are rounded away from 0") {
    struct Row {
      const char* text;
      int decimals;
      double want;
    };
    const Row table[] = {{"1.005", 2, 1.01},   {"-1.005", 2, -1.01}, {"1.004999", 2, 1.0}, {"2.5", 0, 3},
                         {"-2.5", 0, -3},      {"0.5", 0, 1},        {"0.49", 0, 0},       {"-0.04", 1, 0},
                         {"12.3", 1, 12.3},    {"12.3", 15, 12.3},   {"123e5", 2, 123e5},  {"1e-300", 15, 0},
                         {"99.995", 2, 100.0}, {"5e-39", 0, 0},      {"5e-38", 0, 0}};
    for (const auto& row : table) {
      CAPTURE(row.text);
      CHECK(real(rounded(read(row.text), row.decimals)) == row.want);
    }
    CHECK(!std::signbit(real(rounded(read("-0.04"), 1))));
    CHECK(!std::signbit(real(rounded(read("-0"), 1))));
    CHECK(real(rounded(read("0." + std::string(38, '9')), 0)) == 1);
    CHECK(real(rounded(read("0.5" + std::string(37, '0')), 0)) == 1);
  }

  TEST_CASE("whole numbers of 64 bits are exact, and others are none") {
    for (const std::int64_t number : {INT64_MIN, INT64_MIN + 1, std::int64_t{-1}, std::int64_t{0}, INT64_MAX})
      CHECK(to_int64(decimal_of(number)) == number);
    for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{1} << 63U, UINT64_MAX})
      CHECK(to_uint64(decimal_of(number)) == number);
    CHECK(to_int64(read("9223372036854775808")) == std::nullopt);
    CHECK(to_int64(read("-9223372036854775808")) == INT64_MIN);
    CHECK(to_int64(read("-9223372036854775809")) == std::nullopt);
    CHECK(to_uint64(read("18446744073709551616")) == std::nullopt);
    CHECK(to_uint64(read("1e19")) == 10'000'000'000'000'000'000ULL);
    CHECK(to_uint64(read("2e19")) == std::nullopt);
    CHECK(to_uint64(read("1e20")) == std::nullopt);
    CHECK(to_uint64(read("0e99")) == 0);
    CHECK(to_uint64(read("-1")) == std::nullopt);
    CHECK(to_uint64(read("-0")) == 0);
    CHECK(to_uint64(rounded(read("1.5"), 0)) == 2);
  }

  TEST_CASE("doubles and floats come back as they went in") {
    std::mt19937_64 random(3);
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t bits = random();
      double number = 0;
      std::memcpy(&number, &bits, sizeof number);
      if (std::isfinite(number)) CHECK(to_double(decimal_of(number)) == number);
      float small = 0;
      std::memcpy(&small, &bits, sizeof small);
      if (!std::isfinite(small)) continue;
      CHECK(to_float(decimal_of(small)) == small);
      // The double of the shortest decimal is the same float, too: what is reported can be written again.
      CHECK(to_float(decimal_of(to_double(decimal_of(small)).value())) == small);
    }
    for (const double number : {DBL_MAX, -DBL_MAX, DBL_MIN, DBL_TRUE_MIN, 0.1, 1.0 / 3})
      CHECK(to_double(decimal_of(number)) == number);
    CHECK(std::signbit(real(decimal_of(-0.0))));
  }

  TEST_CASE("what is beyond a type is nothing; what is too small is 0") {
    CHECK(to_double(read("1e309")) == std::nullopt);
    CHECK(to_double(read("-1e309")) == std::nullopt);
    CHECK(to_double(read("1e99999")) == std::nullopt);
    CHECK(to_float(read("3.5e38")) == std::nullopt);
    CHECK(to_float(read("-3.5e38")) == std::nullopt);
    CHECK(to_float(read("1e-60")) == 0.0F);
    CHECK(to_double(read("1e-400")) == 0.0);
    CHECK(to_double(read("0e400")) == 0.0);
    CHECK(to_double(decimal_of(DBL_MAX) * decimal_of(DBL_MAX)) == std::nullopt);
  }
}

}  // namespace jl::modbus
