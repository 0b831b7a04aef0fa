#include "tests/unit/daemon/modbus/value_support.hpp"

namespace jl::modbus::value_tests {

namespace {

WritePlan plan_of(const Format& f, const json::value& value) {
  auto plan = encode(f, value);
  REQUIRE_MESSAGE(plan.has_value(), (plan ? "" : plan.error().message));
  CHECK(wire::modbus::check(plan->write).has_value());
  return *plan;
}

Format bit(unsigned which, Order order = Order::abcd) {
  Format f = format(Type::bit, order);
  f.bit = static_cast<std::uint8_t>(which);
  return f;
}

}  // namespace

TEST_SUITE("modbus.value") {
  TEST_CASE("the function of a write is that of its area and count") {
    struct Row {
      const char* name;
      Format format;
      json::value value;
      Request want;
    };
    Format forced_coil = coils(1), forced = format(Type::uint16);
    forced_coil.force_multiple = forced.force_multiple = true;
    const Row table[] = {
        {"one coil", coils(1), true, {Function::write_single_coil, 7, 1, hex("01")}},
        {"one coil off", coils(1), 0, {Function::write_single_coil, 7, 1, hex("00")}},
        {"one coil, forced", forced_coil, true, {Function::write_multiple_coils, 7, 1, hex("01")}},
        {"coils",
         coils(10),
         {true, false, true, true, false, false, true, true, true, false},
         {Function::write_multiple_coils, 7, 10, hex("cd01")}},
        {"one register", format(Type::uint16), 258, {Function::write_single_register, 100, 1, hex("0102")}},
        {"one register, forced", forced, 258, {Function::write_multiple_registers, 100, 1, hex("0102")}},
        {"registers", format(Type::float32), 1, {Function::write_multiple_registers, 100, 2, hex("3f800000")}},
        {"register as a boolean", format(Type::boolean), true, {Function::write_single_register, 100, 1, hex("0001")}},
        {"the same, swapped",
         format(Type::boolean, Order::ba),
         true,
         {Function::write_single_register, 100, 1, hex("0100")}},
    };
    for (const auto& row : table) {
      CAPTURE(row.name);
      const auto plan = plan_of(row.format, row.value);
      CHECK(plan.write == row.want);
      CHECK(!plan.reads_first);
    }
  }

  TEST_CASE("what was written is shown as reading would show it") {
    const auto shown = [](const Format& f, const json::value& value) {
      return written_value(f, plan_of(f, value), value);
    };
    CHECK(shown(format(Type::uint16), "17") == 17);
    CHECK(shown(format(Type::float32, Order::cdab), "-2.5") == -2.5);
    CHECK(shown(scaled(Type::int16, 0.1, 0, 1), "12.34") == 12.3);
    CHECK(shown(format(Type::int8), "-2") == -2);
    CHECK(shown(bit(9), "1") == true);
    CHECK(shown(coils(1), "false") == false);
    CHECK(shown(format(Type::text, Order::abcd, 3), "17") == "17");
    Format masked = bit(9);
    masked.mask_write = true;
    CHECK(shown(masked, true) == true);
  }

  TEST_CASE("byte counts of function 16 that deviate [operations.md 2.2, non-standard write]") {
    Format f = format(Type::uint32);
    CHECK(plan_of(f, 1).write.with_byte_count);
    CHECK(!plan_of(f, 1).write.byte_count.has_value());
    f.with_byte_count = false;
    f.byte_count = 2;
    CHECK(!plan_of(f, 1).write.with_byte_count);
    CHECK(plan_of(f, 1).write.byte_count == 2);
  }

  TEST_CASE("a bit is put into the register as it is") {
    const auto on = plan_of(bit(3), true);
    CHECK(on.reads_first);
    const Request want{.function = Function::write_single_register, .address = 100, .count = 1, .data = hex("5aad")};
    CHECK(merge(bit(3), on, hex("5aa5")) == want);
    CHECK(merge(bit(3), plan_of(bit(3), false), hex("5aad")).data == hex("5aa5"));
    CHECK(merge(bit(15), plan_of(bit(15), true), hex("0000")).data == hex("8000"));
    CHECK(merge(bit(15), plan_of(bit(15), false), hex("ffff")).data == hex("7fff"));
    CHECK(merge(bit(0, Order::ba), plan_of(bit(0, Order::ba), true), hex("0000")).data == hex("0100"));
    Format forced = bit(3);
    forced.force_multiple = true;
    CHECK(merge(forced, plan_of(forced, true), hex("0000")).function == Function::write_multiple_registers);
  }

  TEST_CASE("half of a register leaves the other half as it is") {
    Format f = format(Type::int8);
    CHECK(plan_of(f, -2).reads_first);
    CHECK(merge(f, plan_of(f, -2), hex("1234")).data == hex("12fe"));
    f.high_byte = true;
    CHECK(merge(f, plan_of(f, -2), hex("1234")).data == hex("fe34"));
    f.order = Order::badc;
    CHECK(merge(f, plan_of(f, -2), hex("1234")).data == hex("12fe"));
  }

  TEST_CASE("what merge() made is read as the value, and all else as it was") {
    for (const auto type : {Type::bit, Type::uint8}) {
      for (const auto order : kOrders) {
        for (unsigned which = 0; which < 16; ++which) {
          Format f = format(type, order), other = f;
          f.bit = static_cast<std::uint8_t>(which);
          f.high_byte = which % 2 == 0;
          const json::value value = type == Type::bit ? json::value(which % 3 == 0) : json::value(which * 15);
          for (const char* current : {"0000", "ffff", "a5c3"}) {
            const auto merged = merge(f, plan_of(f, value), hex(current));
            CHECK(decode(f, merged.data).value() == value);
            for (unsigned i = 0; i < 16; ++i) {
              other.bit = static_cast<std::uint8_t>(i);
              other.high_byte = !f.high_byte;
              if (type == Type::bit && i == which) continue;
              CHECK(decode(other, merged.data).value() == decode(other, hex(current)).value());
            }
          }
        }
      }
    }
  }

  TEST_CASE("a mask writes a bit without reading: AND, then OR [Modbus §6.16]") {
    Format f = bit(4);
    f.mask_write = true;
    const Request on{.function = Function::mask_write_register, .address = 100, .count = 1, .data = hex("ffef0010")};
    CHECK(plan_of(f, true).write == on);
    CHECK(!plan_of(f, true).reads_first);
    CHECK(plan_of(f, false).write.data == hex("ffef0000"));
    f.order = Order::ba;
    CHECK(plan_of(f, true).write.data == hex("efff1000"));
    f.force_multiple = true;
    CHECK(plan_of(f, true).write.function == Function::mask_write_register);
  }

  TEST_CASE("numbers are taken as JSON numbers and as text") {
    const Format f = format(Type::int32);
    for (const json::value& value : {json::value(12), json::value(std::uint64_t{12}), json::value(12.0),
                                     json::value("12"), json::value("+12.0"), json::value("1.2e1")})
      CHECK(written(f, value) == "0000000c");
    CHECK(written(format(Type::uint64), "18446744073709551615") == "ffffffffffffffff");
    CHECK(written(format(Type::int64), "-9223372036854775808") == "8000000000000000");
    CHECK(written(format(Type::float32), "0.1") == "3dcccccd");
    for (const json::value& value :
         {json::value("twelve"), json::value(""), json::value("0x10"), json::value("12 "), json::value(true),
          json::value(nullptr), json::value(json::array{12}), json::value(json::object{}), json::value("nan")})
      CHECK(!refused(f, value).empty());
  }

  TEST_CASE("booleans are taken as words and as 0 and 1") {
    for (const auto& f : {coils(1), format(Type::boolean), bit(0)}) {
      for (const json::value& value : {json::value(true), json::value(1), json::value(std::uint64_t{1}),
                                       json::value(1.0), json::value("true"), json::value("1")})
        CHECK(plan_of(f, value).write.data.back() == 1);
      for (const json::value& value :
           {json::value(false), json::value(0), json::value(0.0), json::value("false"), json::value("0")})
        CHECK(plan_of(f, value).write.data.back() == 0);
      for (const json::value& value :
           {json::value(2), json::value(-1), json::value(0.5), json::value("yes"), json::value("TRUE"), json::value(""),
            json::value(nullptr), json::value(json::array{true})})
        CHECK(!refused(f, value).empty());
    }
  }

  TEST_CASE("what does not fit is refused, never wrapped, and the message names value, type and range") {
    struct Row {
      Format format;
      json::value value;
      const char* message;
    };
    const Row table[] = {
        {format(Type::int8), 128, "128 is out of range of type \"int8\": -128 to 127"},
        {format(Type::int8), -129, "-129 is out of range of type \"int8\": -128 to 127"},
        {format(Type::uint8), 256, "256 is out of range of type \"uint8\": 0 to 255"},
        {format(Type::uint8), -1, "-1 is out of range of type \"uint8\": 0 to 255"},
        {format(Type::int16), 32768, "32768 is out of range of type \"int16\": -32768 to 32767"},
        {format(Type::uint16), "65536", "\"65536\" is out of range of type \"uint16\": 0 to 65535"},
        {format(Type::uint16), 65535.5, "65535.5 is out of range of type \"uint16\": 0 to 65535"},
        {format(Type::int32), 2147483648, "2147483648 is out of range of type \"int32\": -2147483648 to 2147483647"},
        {format(Type::uint32), 4294967296, "4294967296 is out of range of type \"uint32\": 0 to 4294967295"},
        {format(Type::int64), std::uint64_t{1} << 63U,
         "9223372036854775808 is out of range of type \"int64\": -9223372036854775808 to 9223372036854775807"},
        {format(Type::uint64), "18446744073709551616",
         "\"18446744073709551616\" is out of range of type \"uint64\": 0 to 18446744073709551615"},
        {format(Type::uint64), 1e300, "1e+300 is out of range of type \"uint64\": 0 to 18446744073709551615"},
        {format(Type::bcd16), 10000, "10000 is out of range of type \"bcd16\": 0 to 9999"},
        {format(Type::bcd32), -1, "-1 is out of range of type \"bcd32\": 0 to 99999999"},
        {format(Type::float32), 1e39, "1e+39 is out of range of type \"float32\": -3.4028235e+38 to 3.4028235e+38"},
        {scaled(Type::uint8, 0.5, -40), 88, "88 is out of range of type \"uint8\" with its scale: -40 to 87.5"},
        {scaled(Type::int16, -0.1), 4000, "4000 is out of range of type \"int16\" with its scale: -3276.7 to 3276.8"},
    };
    for (const auto& row : table) CHECK(refused(row.format, row.value) == row.message);
    CHECK(!refused(format(Type::float64), "1e309").empty());
    CHECK(!refused(scaled(Type::float64, 1e-10), 1e300).empty());
  }

  TEST_CASE("the ends of the ranges do fit, after scale and rounding") {
    CHECK(written(format(Type::int8), -128) == "0080");
    CHECK(written(format(Type::uint16), 65535.4) == "ffff");
    CHECK(written(scaled(Type::uint8, 0.5, -40), 87.5) == "00ff");
    CHECK(written(scaled(Type::uint8, 0.5, -40), -40) == "0000");
    CHECK(written(scaled(Type::int16, -0.1), 3276.8) == "8000");
    CHECK(written(scaled(Type::uint64, 0.001), "18446744073709551.615") == "ffffffffffffffff");
  }

  TEST_CASE("(value - offset) / scale is rounded to the nearest, half-way away from 0") {
    CHECK(written(scaled(Type::int16, 0.1), 12.3) == "007b");
    CHECK(written(scaled(Type::int16, 0.1), 1.15) == "000c");
    CHECK(written(scaled(Type::int16, 0.1), 1.14) == "000b");
    CHECK(written(scaled(Type::int16, 0.1), -1.15) == "fff4");
    CHECK(written(scaled(Type::int16, 3), 4) == "0001");
    CHECK(written(scaled(Type::int16, 3), 5) == "0002");
    CHECK(written(format(Type::int16), 2.5) == "0003");
    CHECK(written(format(Type::int16), -0.4) == "0000");
    CHECK(written(scaled(Type::float32, 0.1), 1.23) == "4144cccd");
  }

  TEST_CASE("a list must have as many values as the point, each of them good") {
    const Format f = format(Type::int16, Order::abcd, 3);
    CHECK(written(f, {1, -2, "3"}) == "0001fffe0003");
    for (const json::value& value : {json::value{1, 2}, json::value{1, 2, 3, 4}, json::value(1),
                                     json::value{1, 2, 99999}, json::value{1, 2, nullptr}, json::value(json::array{})})
      CHECK(!refused(f, value).empty());
    CHECK(!refused(coils(3), {true, false}).empty());
    CHECK(!refused(coils(3), {true, false, 2}).empty());
  }

  TEST_CASE("text is padded with NUL, and refused when it is too long") {
    CHECK(written(format(Type::text, Order::abcd, 3), "abc") == to_hex(std::string("abc\0\0\0", 6)));
    CHECK(written(format(Type::text, Order::badc, 2), "abcd") == to_hex("badc"));
    CHECK(written(format(Type::text, Order::dcba, 2), "abc") == to_hex(std::string("ba\0c", 4)));
    CHECK(written(format(Type::text, Order::abcd, 3), "温度") == to_hex("温度"));
    CHECK(written(format(Type::text, Order::abcd, 1), "") == "0000");
    const Format f = format(Type::text, Order::abcd, 2);
    CHECK(refused(f, "abcde") == "\"abcde\" has 5 bytes; the point holds 4");
    CHECK(!refused(f, json::string("a\0b", 3)).empty());
    CHECK(!refused(f, 12).empty());
  }

  TEST_CASE("bytes are taken in hex, exactly as many as the point holds") {
    const Format f = format(Type::bytes, Order::abcd, 2);
    CHECK(written(f, "00FF1234") == "00ff1234");
    CHECK(written(f, "0x00 ff 12 34") == "00ff1234");
    CHECK(written(format(Type::bytes, Order::ba, 2), "00ff1234") == "ff003412");
    for (const json::value& value : {json::value("00ff12"), json::value("00ff123456"), json::value("0f0"),
                                     json::value("zz00ff12"), json::value(""), json::value(12)})
      CHECK(!refused(f, value).empty());
  }

  TEST_CASE("inputs cannot be written, nor more than one request carries [Modbus §6.11, §6.12]") {
    Format f = format(Type::uint16);
    f.area = Area::input_registers;
    CHECK(!refused(f, 1).empty());
    Format input = coils(1);
    input.area = Area::discrete_inputs;
    CHECK(!refused(input, true).empty());
    CHECK(refused(format(Type::text, Order::abcd, 123), "a").empty());
    CHECK(!refused(format(Type::text, Order::abcd, 124), "a").empty());
    CHECK(refused(coils(1968), json::array(1968, true)).empty());
    CHECK(!refused(coils(1969), json::array(1969, true)).empty());
    CHECK(!refused(format(Type::uint32, Order::abcd, 3), 1).empty());
    CHECK(refused(format(Type::text, Order::abcd, 2), json::value(std::string(3000, 'x'))) ==
          "a text of 3000 bytes has 3000 bytes; the point holds 4");
  }
}

}  // namespace jl::modbus::value_tests
