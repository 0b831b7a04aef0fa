#include "tests/unit/daemon/modbus/value_support.hpp"

namespace jl::modbus::value_tests {

namespace {

Errc error_of(const Format& f, std::string_view digits) {
  const auto value = decode(f, hex(digits));
  REQUIRE(!value.has_value());
  CHECK(!value.error().message.empty());
  return value.error().code;
}

json::value differing(const char* text) { return json::parse(text); }

}  // namespace

TEST_SUITE("modbus.value") {
  TEST_CASE("bits: the first is the least significant of the first byte [Modbus §6.1]") {
    CHECK(read(coils(1), "01") == true);
    CHECK(read(coils(1), "00") == false);
    CHECK(read(coils(1), "fe") == false);
    CHECK(read(coils(10), "cd01") == json::value{true, false, true, true, false, false, true, true, true, false});
    Format inputs = coils(2);
    inputs.area = Area::discrete_inputs;
    CHECK(read(inputs, "02") == json::value{false, true});
  }

  TEST_CASE("registers as booleans, bits and halves, after the byte order") {
    CHECK(read(format(Type::boolean), "0100") == true);
    CHECK(read(format(Type::boolean), "0000") == false);
    CHECK(read(format(Type::boolean, Order::abcd, 2), "00000001") == json::value{false, true});
    for (unsigned bit = 0; bit < 16; ++bit) {
      CAPTURE(bit);
      Format f = format(Type::bit);
      f.bit = static_cast<std::uint8_t>(bit);
      CHECK(read(f, "8001") == (bit == 0 || bit == 15));
      f.order = Order::ba;
      CHECK(read(f, "8001") == (bit == 7 || bit == 8));
    }
    Format half = format(Type::uint8);
    CHECK(read(half, "12f4") == 0xf4);
    half.high_byte = true;
    CHECK(read(half, "12f4") == 0x12);
    half.order = Order::badc;
    CHECK(read(half, "12f4") == 0xf4);
    half.type = Type::int8;
    CHECK(read(half, "12f4") == -12);
  }

  TEST_CASE("several values are a list") {
    CHECK(read(format(Type::int16, Order::abcd, 3), "0001fffe0003") == json::value{1, -2, 3});
    CHECK(read(format(Type::uint32, Order::cdab, 4), "0001000000020000") == json::value{1, 2});
    CHECK(read(format(Type::float32, Order::abcd, 4), "3f8000007fc00000") == json::value{1.0, nullptr});
  }

  TEST_CASE("NaN and infinity become null, with and without scale") {
    for (const char* bytes : {"7fc00000", "ffc00001", "7f800000", "ff800000"}) {
      CHECK(read(format(Type::float32), bytes).is_null());
      CHECK(read(scaled(Type::float32, 0.1, 0, 1), bytes).is_null());
    }
    for (const char* bytes : {"7ff8000000000000", "7ff0000000000000", "fff0000000000000"}) {
      CHECK(read(format(Type::float64), bytes).is_null());
      CHECK(read(scaled(Type::float64, 10), bytes).is_null());
    }
    CHECK(read(scaled(Type::float64, 1000), "7fefffffffffffff").is_null());
  }

  TEST_CASE("floats of 32 bits are the shortest decimal that they stand for") {
    CHECK(read(format(Type::float32), "42f6e979") == 123.456);
    CHECK(read(format(Type::float32), "3dcccccd") == 0.1);
    CHECK(read(format(Type::float32), "7f7fffff") == 3.4028235e38);
  }

  TEST_CASE("text ends at the first NUL, and blanks at its end go") {
    struct Row {
      const char* name;
      Order order;
      std::string bytes;
      const char* want;
    };
    const Row table[] = {
        {"full", Order::abcd, "abcdef", "abcdef"},
        {"NUL", Order::abcd, std::string("ab\0def", 6), "ab"},
        {"blanks", Order::abcd, " ab   ", " ab"},
        {"blanks before a NUL", Order::abcd, std::string("ab  \0x", 6), "ab"},
        {"NUL first", Order::abcd, std::string("\0bcdef", 6), ""},
        {"nothing but blanks", Order::abcd, "      ", ""},
        {"bytes swapped", Order::badc, "badcfe", "abcdef"},
        {"bytes swapped, BA", Order::ba, std::string("ba\0cfe", 6), "abc"},
        {"DCBA leaves the words", Order::dcba, "badcfe", "abcdef"},
        {"CDAB leaves all", Order::cdab, "abcdef", "abcdef"},
        {"UTF-8", Order::abcd, "温度", "温度"},
        {"not UTF-8 behind the NUL", Order::abcd, std::string("ab\0\xFF\xFF\xFF", 6), "ab"},
    };
    for (const auto& row : table) {
      CAPTURE(row.name);
      CHECK(read(format(Type::text, row.order, 3), to_hex(row.bytes)) == row.want);
    }
  }

  TEST_CASE("bytes are hex, each word's swapped where the order says so") {
    CHECK(read(format(Type::bytes, Order::abcd, 3), "00ff12345678") == "00ff12345678");
    CHECK(read(format(Type::bytes, Order::cdab, 2), "12345678") == "12345678");
    CHECK(read(format(Type::bytes, Order::dcba, 2), "12345678") == "34127856");
  }

  TEST_CASE("what no value can be made of is invalid") {
    CHECK(error_of(format(Type::uint16), "12") == Errc::invalid);
    CHECK(error_of(format(Type::uint16), "") == Errc::invalid);
    CHECK(error_of(format(Type::float64), "3ff000000000") == Errc::invalid);
    CHECK(error_of(coils(9), "ff") == Errc::invalid);
    CHECK(error_of(format(Type::float64, Order::abcd, 1), "3ff0") == Errc::invalid);
    for (const char* bytes : {"000a", "00a0", "0f00", "a000", "ffff"})
      CHECK(error_of(format(Type::bcd16), bytes) == Errc::invalid);
    CHECK(error_of(format(Type::bcd32), "1234567f") == Errc::invalid);
    CHECK(error_of(format(Type::bcd16, Order::abcd, 2), "1234000a") == Errc::invalid);
    CHECK(error_of(format(Type::text, Order::abcd, 2), "c3286162") == Errc::invalid);
    CHECK(error_of(format(Type::text, Order::abcd, 1), "ff61") == Errc::invalid);
    Format nothing = format(Type::uint16);
    nothing.count = 0;
    CHECK(error_of(nothing, "1234") == Errc::invalid);
  }

  TEST_CASE("a point is read by the function of its area") {
    const Request want{.function = Function::read_holding_registers, .address = 100, .count = 4};
    CHECK(read_request(format(Type::float64)) == want);
    const std::pair<Area, Function> table[] = {{Area::coils, Function::read_coils},
                                               {Area::discrete_inputs, Function::read_discrete_inputs},
                                               {Area::holding_registers, Function::read_holding_registers},
                                               {Area::input_registers, Function::read_input_registers}};
    for (const auto& [area, function] : table) CHECK(modbus::read_function(area) == function);
  }

  TEST_CASE("a point's format is its own, its order the channel's unless it has one") {
    model::ModbusPoint point;
    point.address = "107";
    Format f = format_of(point, Order::cdab);
    CHECK(f.type == Type::uint16);
    CHECK(f.order == Order::cdab);
    CHECK(f.address == 107);
    CHECK(f.count == 1);
    CHECK(f.decimals == -1);
    CHECK(f.with_byte_count);
    CHECK(!f.byte_count.has_value());

    point.function = Area::coils;
    point.quantity = 9;
    f = format_of(point, Order::cdab);
    CHECK(f.area == Area::coils);
    CHECK(f.type == Type::boolean);
    CHECK(f.count == 9);

    point = {};
    point.address = "3";
    point.type = Type::int8;
    point.order = Order::ba;
    point.byte = model::ModbusByte::high;
    point.bit = 5;
    point.scale_factor = 0.5;
    point.offset = -40;
    point.decimals = 2;
    point.force_multiple = point.mask_write = true;
    point.write_byte_count = false;
    point.byte_count = 200;
    f = format_of(point, Order::cdab);
    CHECK(f.type == Type::int8);
    CHECK(f.order == Order::ba);
    CHECK(f.high_byte);
    CHECK(f.bit == 5);
    CHECK(f.scale_factor == 0.5);
    CHECK(f.offset == -40);
    CHECK(f.decimals == 2);
    CHECK(f.force_multiple);
    CHECK(f.mask_write);
    CHECK(!f.with_byte_count);
    CHECK(f.byte_count == 200);
  }

  TEST_CASE("dead bands: a change up to the band is none") {
    struct Row {
      const char* former;
      const char* now;
      double band;
      bool percent;
      bool want;
    };
    const Row table[] = {
        {"1", "1", 0, false, false},
        {"1", "2", 0, false, true},
        {"1", "1.0", 0, false, false},
        {"12.2", "12.3", 0.1, false, false},
        {"12.2", "12.31", 0.1, false, true},
        {"12.3", "12.2", 0.1, false, false},
        {"-1", "1", 2, false, false},
        {"-1", "1", 1.9, false, true},
        {"9223372036854775807", "9223372036854775806", 0, false, true},
        {"18446744073709551615", "9223372036854775807", 0, false, true},
        {"18446744073709551615", "18446744073709551614", 1, false, false},
        {"100", "105", 5, true, false},
        {"100", "105.1", 5, true, true},
        {"-100", "-105", 5, true, false},
        {"-100", "-105.1", 5, true, true},
        {"0", "0.001", 50, true, true},
        {"0", "0", 50, true, false},
        {"0", "0", 0, true, false},
        {"null", "1", 10, false, true},
        {"1", "null", 10, false, true},
        {"null", "null", 0, false, false},
        {"true", "false", 10, false, true},
        {"true", "true", 0, false, false},
        {"\"a\"", "\"b\"", 10, false, true},
        {"\"a\"", "\"a\"", 0, false, false},
        {"[1,2]", "[1,2]", 0, false, false},
        {"[1,2]", "[1,3]", 0, false, true},
        {"[1,2]", "[1,3]", 1, false, false},
        {"[1,2]", "[1,2,3]", 9, false, true},
        {"[true]", "[false]", 9, false, true},
        {"1", "[1]", 9, false, true},
    };
    for (const auto& row : table) {
      CAPTURE(row.former);
      CAPTURE(row.now);
      CHECK(differs(differing(row.former), differing(row.now), row.band, row.percent) == row.want);
    }
  }
}

}  // namespace jl::modbus::value_tests
