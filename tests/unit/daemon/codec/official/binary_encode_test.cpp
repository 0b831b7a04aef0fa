#include "binary_support.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::test;
using namespace jl::test::binary;
using codec::Transport;

namespace {
// The message that is sent for a body, without length or key.
std::string sent(Session& session, const std::string& body, std::size_t wrapping = 4) {
  const auto encoded = session.send(body);
  REQUIRE(encoded.has_value());
  REQUIRE(encoded->sends.size() == 1);
  CHECK(!encoded->sends.front().text);
  return encoded->sends.front().payload.substr(wrapping);
}
std::string sent(const std::string& body) {
  Session session(Transport::tcp);
  return sent(session, body);
}
Errc error(const std::string& body, Transport transport = Transport::tcp) {
  const auto encoded = Session(transport).send(body);
  return encoded ? Errc::count_ : encoded.error().code;
}

std::string read(const std::string& more) { return R"({"messageType":"READ_PROPERTY","messageId":"m")" + more + "}"; }
std::string write(const std::string& value) {
  return R"({"messageType":"WRITE_PROPERTY","timestamp":1700000000000,"properties":{"v":)" + value + "}}";
}
std::string invoke(const std::string& more) { return R"({"messageType":"INVOKE_FUNCTION")" + more + "}"; }

// The typed value that a write carries.
std::string typed(const std::string& value) {
  const std::string bytes = sent(write(value));
  const std::string head = message(6, Bytes().u16(1).string("v").out, 0xFFFF);
  REQUIRE(bytes.starts_with(head));
  return bytes.substr(head.size());
}
}  // namespace

TEST_SUITE("codec.official.binary") {
  TEST_CASE("commands are encoded with the time, sequence and id of their header [wire.md 5.4]") {
    const std::string time = R"(,"timestamp":1700000000000)";
    CHECK(sent(read(time + R"(,"properties":["a","b"])")) == message(4, Bytes().u16(2).text("a").text("b").out, 1));
    CHECK(sent(read(time)) == message(4, Bytes().u16(0).out, 1));
    CHECK(sent(read(R"(,"deviceId":"d1")")) == message(4, Bytes().u16(0).out, 1, "d1", 0));
    CHECK(sent(write("5")) == message(6, Bytes().u16(1).string("v").i32(5).out, 0xFFFF));
    CHECK(sent(R"({"messageType":"WRITE_PROPERTY","timestamp":1700000000000})") ==
          message(6, Bytes().u16(0).out, 0xFFFF));
    CHECK(sent(invoke(time + R"(,"functionId":"f")")) == message(8, Bytes().string("f").u16(0).out, 0xFFFF));
  }

  TEST_CASE("inputs may be a list or an object, and are an object on the wire [wire.md 5.4]") {
    const std::string want = message(8, Bytes().string("f").u16(2).string("a").i32(1).string("b").u8(0).out, 0xFFFF);
    const std::string head = R"(,"timestamp":1700000000000,"functionId":"f","inputs":)";
    CHECK(sent(invoke(head + R"([{"name":"a","value":1},{"name":"b"}])")) == want);
    CHECK(sent(invoke(head + R"({"a":1,"b":null})")) == want);
  }

  TEST_CASE("values are written in the types that the platform writes [wire.md 5.3]") {
    CHECK(typed("null") == Bytes().u8(0).out);
    CHECK(typed("true") == Bytes().u8(1).u8(1).out);
    CHECK(typed("false") == Bytes().u8(1).u8(0).out);
    CHECK(typed("-2147483648") == Bytes().i32(-2147483647 - 1).out);
    CHECK(typed("2147483647") == Bytes().i32(2147483647).out);
    CHECK(typed("2147483648") == Bytes().u8(5).number(2147483648, 8).out);
    CHECK(typed("-2147483649") == Bytes().u8(5).number(0xFFFFFFFF7FFFFFFF, 8).out);
    CHECK(typed("9223372036854775807") == Bytes().u8(5).number(0x7FFFFFFFFFFFFFFF, 8).out);
    CHECK(typed("0.5") == Bytes().real(0.5).out);
    CHECK(typed("5.0") == Bytes().real(5).out);
    CHECK(typed(R"("温")") == Bytes().text("温").out);
    CHECK(typed(R"([1,"a"])") == Bytes().u8(0x0d).u16(2).i32(1).text("a").out);
    CHECK(typed(R"({"b":{},"a":[]})") ==
          Bytes().u8(0x0e).u16(2).string("b").u8(0x0e).u16(0).string("a").u8(0x0d).u16(0).out);
  }

  TEST_CASE("acks are encoded with the code of their header [wire.md 5.4]") {
    const auto acknowledge = [](const std::string& headers) {
      return R"({"messageType":"ACKNOWLEDGE","timestamp":1700000000000,"headers":)" + headers + "}";
    };
    CHECK(sent(acknowledge(R"({"code":"ok","_seq":258})")) == ack(0, 258));
    CHECK(sent(acknowledge(R"({"code":"noAuth"})")) == ack(1));
    CHECK(sent(acknowledge(R"({"code":"unsupportedMessage","_seq":1})")) == ack(2, 1));
    CHECK(sent(acknowledge("{}")) == ack(0));
    CHECK(error(acknowledge(R"({"code":"maybe"})")) == Errc::invalid);
  }

  TEST_CASE("TCP frames begin with their length, datagrams with the device's key [wire.md 5.1]") {
    Session tcp(Transport::tcp), udp(Transport::udp);
    const std::string want = message(4, Bytes().u16(0).out, 1, "d1", 0);
    CHECK(tcp.send(read(""))->sends.at(0).payload == frame(want));
    CHECK(udp.send(read(""))->sends.at(0).payload == datagram(want));
    udp.identity = device();
    CHECK(udp.send(read("")).error().code == Errc::unsupported_message);
  }

  TEST_CASE("what the format has no form for is refused") {
    const auto text = [](std::size_t size) { return '"' + std::string(size, 'x') + '"'; };
    std::string list = "[0", deep;
    for (int i = 0; i < 65'535; ++i) list += ",0";
    list += ']';
    for (int i = 0; i < 31; ++i) deep += '[';
    for (int i = 0; i < 31; ++i) deep += ']';
    const std::pair<const char*, std::string> rows[] = {
        {"text too long", write(text(65'536))},
        {"name too long", R"({"messageType":"WRITE_PROPERTY","properties":{)" + text(65'536) + ":1}}"},
        {"too many items", write(list)},
        {"integer too large", write("9223372036854775808")},
        {"nested too deep", write("[" + deep + "]")},
        {"names that are no list", read(R"(,"properties":{"a":1})")},
        {"names that are numbers", read(R"(,"properties":[1])")},
        {"properties that are a list", R"({"messageType":"WRITE_PROPERTY","properties":["a"]})"},
        {"no function", invoke("")},
        {"function that is a number", invoke(R"(,"functionId":1)")},
        {"inputs that are text", invoke(R"(,"functionId":"f","inputs":"x")")},
        {"inputs without names", invoke(R"(,"functionId":"f","inputs":[{"value":1}])")},
        {"inputs that are numbers", invoke(R"(,"functionId":"f","inputs":[1])")},
        {"another device", R"({"messageType":"READ_PROPERTY","deviceId":"d2"})"},
    };
    for (const auto& [name, body] : rows) {
      CAPTURE(name);
      CHECK(error(body) == Errc::invalid);
    }
    CHECK(error(write(text(65'535))) == Errc::count_);
    CHECK(error(write(deep)) == Errc::count_);
    CHECK(error(write(text(65'480)), Transport::udp) == Errc::too_large);
    CHECK(error(write(text(65'000)), Transport::udp) == Errc::count_);
  }

  TEST_CASE("a command that is not sent takes no sequence number") {
    Session session(Transport::tcp);
    CHECK(session.send(read(R"(,"properties":[1])")).has_error());
    CHECK(sent(session, read("")) == message(4, Bytes().u16(0).out, 1, "d1", 0));
    CHECK(sent(session, read("")) == message(4, Bytes().u16(0).out, 2, "d1", 0));
    Session udp(Transport::udp);
    CHECK(udp.send(R"({"messageType":"WRITE_PROPERTY","messageId":"m","properties":{"v":")" + std::string(65'500, 'x') +
                   "\"}}")
              .has_error());
    CHECK(sent(udp, read(""), 7) == message(4, Bytes().u16(0).out, 1, "d1", 0));
  }

  TEST_CASE("a disconnect closes; nothing else goes over TCP and UDP [wire.md 5.4]") {
    for (const Transport transport : {Transport::tcp, Transport::udp}) {
      const auto encoded = Session(transport).send(R"({"messageType":"DISCONNECT","messageId":"m"})");
      REQUIRE(encoded.has_value());
      CHECK(encoded->disconnect);
      CHECK(encoded->sends.empty());
      for (const auto* type :
           {"UPGRADE_FIRMWARE", "REQUEST_FIRMWARE_REPLY", "READ_FIRMWARE", "STATE_CHECK", "READ_COLLECTOR_DATA",
            "WRITE_COLLECTOR_DATA", "CHILD", "REPORT_PROPERTY", "EVENT", "ONLINE", "UNKNOWN", "READ_PROPERTY_REPLY"}) {
        CHECK(error(R"({"messageType":")" + std::string(type) + R"("})", transport) == Errc::unsupported_message);
      }
    }
  }
}
