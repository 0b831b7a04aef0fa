// Values both ways: orders, types, scale. What decode() and encode() do apart from each other is in
// value_decode_test.cpp and value_encode_test.cpp.
#include "tests/unit/daemon/modbus/value_support.hpp"

#include <bit>
#include <cfloat>
#include <random>

namespace jl::modbus::value_tests {

namespace {

/// A value that a type can hold, so that it can be told apart when bytes are in the wrong place.
json::value random_value(Type type, std::mt19937_64& random) {
  const std::uint64_t bits = random();
  switch (type) {
    case Type::boolean:
    case Type::bit:
      return (bits & 1U) != 0;
    case Type::int8:
      return static_cast<std::int8_t>(bits);
    case Type::uint8:
      return static_cast<std::int64_t>(bits & 0xFFU);
    case Type::int16:
      return static_cast<std::int16_t>(bits);
    case Type::uint16:
      return static_cast<std::int64_t>(bits & 0xFFFFU);
    case Type::int32:
      return static_cast<std::int32_t>(bits);
    case Type::uint32:
      return static_cast<std::int64_t>(bits & 0xFFFFFFFFU);
    case Type::int64:
      return static_cast<std::int64_t>(bits);
    case Type::uint64:
      return bits;
    case Type::float32:
      return static_cast<double>(static_cast<std::int64_t>(bits % 2'000'000) - 1'000'000) / 100;
    case Type::float64:
      return static_cast<double>(static_cast<std::int64_t>(bits)) / 1e7;
    case Type::bcd16:
      return static_cast<std::int64_t>(bits % 10'000);
    case Type::bcd32:
      return static_cast<std::int64_t>(bits % 100'000'000);
    case Type::text:
      return json::value("t" + std::to_string(bits % 100'000));
    case Type::bytes:
      return json::value(to_hex(std::string_view(reinterpret_cast<const char*>(&bits), 6)));
  }
  return nullptr;
}

std::size_t count_of(Type type) { return model::registers_of(type) == 0 ? 3 : model::registers_of(type); }

}  // namespace

TEST_SUITE("modbus.value") {
  TEST_CASE("0x12345678 in the four orders of 32 bits [operations.md 2.2]") {
    const std::pair<Order, const char*> table[] = {
        {Order::abcd, "12345678"}, {Order::badc, "34127856"}, {Order::cdab, "56781234"}, {Order::dcba, "78563412"}};
    for (const auto& [order, bytes] : table) {
      CAPTURE(word(order));
      CHECK(read(format(Type::uint32, order), bytes) == 0x12345678);
      CHECK(written(format(Type::uint32, order), 0x12345678) == bytes);
      CHECK(read(format(Type::bcd32, order), bytes) == 12345678);
      CHECK(written(format(Type::bcd32, order), 12345678) == bytes);
    }
  }

  TEST_CASE("0x1122334455667788 in the orders of 64 bits, each as its letters stand") {
    const std::pair<Order, const char*> table[] = {
        {Order::abcdefgh, "1122334455667788"}, {Order::badcfehg, "2211443366558877"},
        {Order::hgfedcba, "8877665544332211"}, {Order::ghefcdab, "7788556633441122"},
        {Order::cdabghef, "3344112277885566"}, {Order::efghabcd, "5566778811223344"},
        {Order::abcd, "1122334455667788"},     {Order::badc, "2211443366558877"},
        {Order::cdab, "7788556633441122"},     {Order::dcba, "8877665544332211"}};
    for (const auto& [order, bytes] : table) {
      CAPTURE(word(order));
      CHECK(read(format(Type::int64, order), bytes) == 0x1122334455667788);
      CHECK(written(format(Type::int64, order), 0x1122334455667788) == bytes);
      const auto real = std::bit_cast<double>(0x1122334455667788);
      CHECK(read(format(Type::float64, order), bytes) == real);
      CHECK(written(format(Type::float64, order), real) == bytes);
    }
  }

  TEST_CASE("0x1234 in the orders of 16 bits; words alone change nothing") {
    for (const auto order : {Order::abcd, Order::cdab, Order::ab}) {
      CAPTURE(word(order));
      CHECK(written(format(Type::uint16, order), 0x1234) == "1234");
      CHECK(written(format(Type::bcd16, order), 1234) == "1234");
    }
    for (const auto order : {Order::badc, Order::dcba, Order::ba}) {
      CAPTURE(word(order));
      CHECK(written(format(Type::uint16, order), 0x1234) == "3412");
      CHECK(written(format(Type::bcd16, order), 1234) == "3412");
    }
  }

  TEST_CASE("numbers as their standards write them [operations.md 2.2]") {
    struct Row {
      Type type;
      json::value value;
      const char* bytes;
    };
    const Row table[] = {
        {Type::float32, 1.0, "3f800000"},
        {Type::float32, 123.456, "42f6e979"},
        {Type::float32, -2.5, "c0200000"},
        {Type::float32, 0.0, "00000000"},
        {Type::float32, 3.4028235e38, "7f7fffff"},
        {Type::float32, 1e-45, "00000001"},
        {Type::float64, 1.0, "3ff0000000000000"},
        {Type::float64, 0.1, "3fb999999999999a"},
        {Type::float64, DBL_MAX, "7fefffffffffffff"},
        {Type::int8, -2, "00fe"},
        {Type::int16, -2, "fffe"},
        {Type::int16, -32768, "8000"},
        {Type::uint16, 65535, "ffff"},
        {Type::int32, -2, "fffffffe"},
        {Type::uint32, 4294967295, "ffffffff"},
        {Type::int64, INT64_MIN, "8000000000000000"},
        {Type::int64, INT64_MAX, "7fffffffffffffff"},
        {Type::uint64, INT64_MAX, "7fffffffffffffff"},
        {Type::uint64, UINT64_MAX, "ffffffffffffffff"},
        {Type::uint64, 9007199254740993, "0020000000000001"},
        {Type::bcd16, 0, "0000"},
        {Type::bcd16, 9999, "9999"},
        {Type::bcd32, 99999999, "99999999"},
        {Type::bcd32, 5, "00000005"},
        {Type::boolean, true, "0001"},
        {Type::boolean, false, "0000"},
    };
    for (const auto& row : table) {
      CAPTURE(word(row.type));
      CAPTURE(row.bytes);
      CHECK(read(format(row.type), row.bytes) == row.value);
      CHECK(written(format(row.type), row.value) == row.bytes);
    }
    CHECK(read(format(Type::uint64), "7fffffffffffffff").is_int64());
    CHECK(read(format(Type::uint64), "8000000000000000").is_uint64());
  }

  TEST_CASE("every type in every order is read as it was written") {
    std::mt19937_64 random(11);
    for (const auto type : kTypes) {
      for (const auto order : kOrders) {
        CAPTURE(word(type));
        CAPTURE(word(order));
        Format f = format(type, order, count_of(type));
        for (int round = 0; round < 50; ++round) {
          f.bit = static_cast<std::uint8_t>(random() % 16);
          f.high_byte = random() % 2 == 0;
          const auto value = random_value(type, random);
          const auto plan = encode(f, value);
          REQUIRE(plan.has_value());
          REQUIRE(wire::modbus::check(plan->write).has_value());
          CHECK(decode(f, plan->write.data).value() == value);
        }
      }
    }
  }

  TEST_CASE("lists of every number in every order are read as they were written") {
    std::mt19937_64 random(12);
    for (const auto type : kTypes) {
      const auto size = model::registers_of(type);
      if (size == 0) continue;
      for (const auto order : kOrders) {
        CAPTURE(word(type));
        CAPTURE(word(order));
        const Format f = format(type, order, 5 * size);
        json::array values;
        for (int i = 0; i < 5; ++i) values.push_back(random_value(type, random));
        const auto plan = encode(f, values);
        REQUIRE(plan.has_value());
        CHECK(plan->write.data.size() == 10 * size);
        CHECK(decode(f, plan->write.data).value() == json::value(values));
      }
    }
  }

  TEST_CASE("scale, offset and decimals: values are the decimals that people expect") {
    struct Row {
      const char* name;
      Format format;
      const char* bytes;
      json::value value;
    };
    const Row table[] = {
        {"tenths", scaled(Type::int16, 0.1), "007b", 12.3},
        {"three tenths are no 0.30000000000000004", scaled(Type::int16, 0.1), "0003", 0.3},
        {"with offset", scaled(Type::uint8, 0.5, -40), "0051", 0.5},
        {"offset alone", scaled(Type::uint8, 1, -40), "0000", -40.0},
        {"negative factor", scaled(Type::int16, -0.01), "007b", -1.23},
        {"rounded", scaled(Type::int16, 0.01, 0, 1), "04ce", 12.3},
        {"half-way, away from 0", scaled(Type::int16, 0.001, 0, 2), "03ed", 1.01},
        {"half-way below 0", scaled(Type::int16, 0.001, 0, 2), "fc13", -1.01},
        {"to whole ones", scaled(Type::int16, 0.1, 0, 0), "007d", 13.0},
        {"to 0, not -0", scaled(Type::int16, 0.01, 0, 1), "ffff", 0.0},
        {"32 bits", scaled(Type::uint32, 0.001), "ffffffff", 4294967.295},
        {"64 bits", scaled(Type::uint64, 0.001), "ffffffffffffffff", 18446744073709551.615},
        {"great factor", scaled(Type::int16, 1e30), "0002", 2e30},
        {"float", scaled(Type::float32, 0.1), "4144cccd", 1.23},
        {"float, rounded", scaled(Type::float32, 1, 0, 1), "42f6e979", 123.5},
        {"double, rounded", scaled(Type::float64, 1, 0, 2), "3fd5555555555555", 0.33},
        {"double with offset", scaled(Type::float64, 1, 0.2), "3fb999999999999a", 0.3},
        {"bcd", scaled(Type::bcd16, 0.01), "1234", 12.34},
    };
    for (const auto& row : table) {
      CAPTURE(row.name);
      CHECK(read(row.format, row.bytes) == row.value);
    }
  }

  TEST_CASE("whole numbers without scale stay exact, whatever the decimals") {
    CHECK(read(scaled(Type::int64, 1, 0, 2), "7fffffffffffffff") == INT64_MAX);
    CHECK(read(scaled(Type::uint64, 1, 0, 0), "ffffffffffffffff") == UINT64_MAX);
  }

  TEST_CASE("every raw value is written again by the value that it was read as") {
    std::mt19937_64 random(13);
    const std::pair<double, double> scales[] = {{0.1, 0},       {0.1, -40},  {0.001, 273.15}, {-0.25, 7}, {3, 0},
                                                {1.0 / 3, 0.7}, {1e-9, 1e3}, {1000, -0.1},    {0.7, 0}};
    for (const auto& [factor, offset] : scales) {
      for (const auto type : {Type::int16, Type::uint16, Type::int32, Type::uint32, Type::bcd16, Type::float32}) {
        CAPTURE(factor);
        CAPTURE(word(type));
        const Format f = scaled(type, factor, offset);
        for (int round = 0; round < 200; ++round) {
          const auto raw = encode(format(type), random_value(type, random))->write.data;
          const auto value = decode(f, raw);
          REQUIRE(value.has_value());
          if (type == Type::float32 && offset != 0) continue;  // the offset takes digits
          CHECK(encode(f, *value)->write.data == raw);
        }
      }
    }
  }
}

}  // namespace jl::modbus::value_tests
