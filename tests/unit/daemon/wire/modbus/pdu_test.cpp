#include "daemon/wire/modbus/pdu.hpp"
#include "common/base/hex.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace jl::wire::modbus {
namespace {

using Kind = Reply::Kind;

std::string bytes(std::string_view hex) { return from_hex(hex).value(); }

/// An exchange as the application protocol prints it as an example.
struct Example {
  std::string_view name;
  Request request;
  std::string_view encoded;
  std::string_view reply;
  std::string_view data;
};

const std::vector<Example>& examples() {
  static const std::vector<Example> rows = {
      {"§6.1 read coils",
       {.function = Function::read_coils, .address = 19, .count = 19},
       "01 0013 0013",
       "01 03 CD6B05",
       "CD6B05"},
      {"§6.2 read discrete inputs",
       {.function = Function::read_discrete_inputs, .address = 196, .count = 22},
       "02 00C4 0016",
       "02 03 ACDB35",
       "ACDB35"},
      {"§6.3 read holding registers",
       {.function = Function::read_holding_registers, .address = 107, .count = 3},
       "03 006B 0003",
       "03 06 022B00000064",
       "022B00000064"},
      {"§6.4 read input registers",
       {.function = Function::read_input_registers, .address = 8, .count = 1},
       "04 0008 0001",
       "04 02 000A",
       "000A"},
      {"§6.5 write single coil on",
       {.function = Function::write_single_coil, .address = 172, .data = bytes("01")},
       "05 00AC FF00",
       "05 00AC FF00",
       ""},
      {"§6.5 write single coil off",
       {.function = Function::write_single_coil, .address = 172, .data = bytes("00")},
       "05 00AC 0000",
       "05 00AC 0000",
       ""},
      {"§6.6 write single register",
       {.function = Function::write_single_register, .address = 1, .data = bytes("0003")},
       "06 0001 0003",
       "06 0001 0003",
       ""},
      {"§6.11 write multiple coils",
       {.function = Function::write_multiple_coils, .address = 19, .count = 10, .data = bytes("CD01")},
       "0F 0013 000A 02 CD01",
       "0F 0013 000A",
       ""},
      {"§6.12 write multiple registers",
       {.function = Function::write_multiple_registers, .address = 1, .count = 2, .data = bytes("000A0102")},
       "10 0001 0002 04 000A0102",
       "10 0001 0002",
       ""},
      {"§6.16 mask write register",
       {.function = Function::mask_write_register, .address = 4, .data = bytes("00F20025")},
       "16 0004 00F2 0025",
       "16 0004 00F2 0025",
       ""},
  };
  return rows;
}

Request read(Function function, std::uint16_t address, std::uint16_t count) {
  return {.function = function, .address = address, .count = count};
}
Request registers(std::uint16_t address, std::uint16_t count) {
  return {.function = Function::write_multiple_registers,
          .address = address,
          .count = count,
          .data = std::string(std::size_t{count} * 2, 'x')};
}

}  // namespace

TEST_SUITE("wire.modbus.pdu") {
  TEST_CASE("requests and replies are those of the examples in V1.1b3 §6") {
    for (const Example& row : examples()) {
      CAPTURE(row.name);
      CHECK(check(row.request).has_value());
      CHECK(to_hex(encode(row.request)) == to_hex(bytes(row.encoded)));
      const std::string pdu = bytes(row.reply);
      const Reply reply = parse_reply(row.request, pdu);
      CHECK(reply.kind == Kind::ok);
      CHECK(reply.exception == 0);
      CHECK(to_hex(reply.data) == to_hex(bytes(row.data)));
      CHECK(reply_length(pdu) == pdu.size());
    }
  }

  TEST_CASE("a reply that is cut short, too long, or has one byte of its frame changed is malformed") {
    for (const Example& row : examples()) {
      CAPTURE(row.name);
      const std::string pdu = bytes(row.reply);
      for (std::size_t size = 0; size < pdu.size(); ++size) {
        const Reply reply = parse_reply(row.request, std::string_view(pdu).substr(0, size));
        CHECK(reply.kind == Kind::malformed);
        CHECK(reply.data.empty());
        CHECK_FALSE(reply.problem.empty());
      }
      CHECK(parse_reply(row.request, pdu + '\0').kind == Kind::malformed);
      for (std::size_t at = 0; at < pdu.size(); ++at) {
        if (row.data.size() != 0 && at >= 2) break;  // data may be anything
        std::string other = pdu;
        other[at] = static_cast<char>(other[at] ^ 0x40);
        CHECK(parse_reply(row.request, other).kind == Kind::malformed);
      }
    }
  }

  TEST_CASE("exceptions of every function carry their code (§7)") {
    for (const Example& row : examples()) {
      CAPTURE(row.name);
      std::string pdu = bytes(row.reply).substr(0, 1) + '\x0B';
      pdu[0] = static_cast<char>(pdu[0] | 0x80);
      CHECK(reply_length(pdu.substr(0, 1)) == 2);
      const Reply reply = parse_reply(row.request, pdu);
      CHECK(reply.kind == Kind::exception);
      CHECK(reply.exception == 11);
      CHECK(parse_reply(row.request, pdu + '\0').kind == Kind::malformed);
      CHECK(parse_reply(row.request, pdu.substr(0, 1)).kind == Kind::malformed);
      pdu[1] = '\0';
      CHECK(parse_reply(row.request, pdu).kind == Kind::malformed);
    }
    const Request coils = read(Function::read_coils, 0, 1);
    CHECK(parse_reply(coils, bytes("83 02")).kind == Kind::malformed);
  }

  TEST_CASE("the length of a reply is told by its first two bytes, or by the first alone") {
    CHECK(reply_length("") == 0);
    CHECK(reply_length("\x03") == 0);
    CHECK(reply_length(bytes("03 FA")) == 252);
    CHECK(reply_length(bytes("01 FF")) == 257);
    for (const std::string_view code : {"05", "06", "0F", "10"}) CHECK(reply_length(bytes(code)) == 5);
    CHECK(reply_length(bytes("16")) == 7);
    for (const std::string_view code : {"00", "07", "08", "0B", "11", "17", "2B", "80", "87", "FF"}) {
      CAPTURE(code);
      CHECK(reply_length(bytes(code)) == std::nullopt);
    }
  }

  TEST_CASE("requests beyond the limits of §6 are refused") {
    struct Row {
      std::string_view name;
      Request request;
      bool good;
    };
    const Row rows[] = {
        {"2000 coils", read(Function::read_coils, 0, 2000), true},
        {"2001 coils", read(Function::read_coils, 0, 2001), false},
        {"2001 inputs", read(Function::read_discrete_inputs, 0, 2001), false},
        {"125 registers", read(Function::read_holding_registers, 65'411, 125), true},
        {"126 registers", read(Function::read_input_registers, 0, 126), false},
        {"no register", read(Function::read_input_registers, 0, 0), false},
        {"the last register", read(Function::read_holding_registers, 65'535, 1), true},
        {"beyond the last register", read(Function::read_holding_registers, 65'535, 2), false},
        {"data in a read", {.data = "xx"}, false},
        {"123 registers written", registers(0, 123), true},
        {"124 registers written", registers(0, 124), false},
        {"registers written beyond the end", registers(65'500, 37), false},
        {"1968 coils written",
         {.function = Function::write_multiple_coils, .count = 1968, .data = std::string(246, 'x')},
         true},
        {"1969 coils written",
         {.function = Function::write_multiple_coils, .count = 1969, .data = std::string(247, 'x')},
         false},
        {"a byte too much", {.function = Function::write_single_register, .data = "xxx"}, false},
        {"no data", {.function = Function::write_single_coil}, false},
        {"two at once", {.function = Function::write_single_register, .count = 2, .data = "xxxx"}, false},
        {"half a mask", {.function = Function::mask_write_register, .data = "xx"}, false},
        {"an unknown function", read(static_cast<Function>(7), 0, 1), false},
        {"function 0", read(static_cast<Function>(0), 0, 1), false},
    };
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const Status status = check(row.request);
      CHECK(status.has_value() == row.good);
      if (!status) CHECK(status.error().code == Errc::invalid);
      if (row.good) CHECK(encode(row.request).size() <= kMaxPdu);
    }
  }

  TEST_CASE("bits beyond the last coil that is written are zero (§6.11)") {
    const Request request{.function = Function::write_multiple_coils, .address = 0, .count = 10, .data = bytes("FFFF")};
    CHECK(to_hex(encode(request)) == "0f0000000a02ff03");
    const Request whole{.function = Function::write_multiple_coils, .address = 0, .count = 8, .data = bytes("FF")};
    CHECK(to_hex(encode(whole)) == "0f0000000801ff");
  }

  TEST_CASE("the byte count of a write of several can be left out or be another one, and its reply is the same") {
    Request request = registers(1, 2);
    request.byte_count = 2;
    CHECK(to_hex(encode(request)) == "10000100020278787878");
    CHECK(parse_reply(request, bytes("10 0001 0002")).kind == Kind::ok);
    request.with_byte_count = false;
    CHECK(to_hex(encode(request)) == "100001000278787878");
    CHECK(parse_reply(request, bytes("10 0001 0002")).kind == Kind::ok);
  }

  TEST_CASE("functions and exceptions have the names of the specification") {
    CHECK(to_string(Function::read_holding_registers) == "read holding registers");
    CHECK(to_string(static_cast<Function>(99)).empty());
    CHECK(is_read(Function::read_input_registers));
    CHECK_FALSE(is_read(Function::write_single_coil));
    CHECK(is_bits(Function::write_single_coil));
    CHECK_FALSE(is_bits(Function::mask_write_register));
    CHECK(exception_text(2) == "illegal data address");
    CHECK(exception_text(11) == "gateway target device failed to respond");
    CHECK(exception_text(9) == "exception 9");
    CHECK(exception_text(77) == "exception 77");
  }
}

}  // namespace jl::wire::modbus
