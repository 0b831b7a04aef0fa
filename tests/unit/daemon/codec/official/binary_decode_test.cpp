#include "binary_support.hpp"

#include <doctest/doctest.h>
#include <limits>

using namespace jl;
using namespace jl::test;
using namespace jl::test::binary;
using namespace std::string_literals;
using codec::MessageType;
using codec::Transport;

namespace {
Uplink up(unsigned type, const Bytes& body, std::uint16_t sequence = 0) {
  return Session(Transport::tcp).receive(message(type, body.out, sequence));
}

// The value of a report's one property.
std::string value(const Bytes& typed) {
  const Uplink report = up(3, Bytes().u16(1).string("v").raw(typed.out));
  if (!report.is_message()) return "refused";
  REQUIRE(report.message.properties.size() == 1);
  CHECK(report.message.properties[0].name == "v");
  static_cast<void>(boost::json::parse(report.message.json));
  return std::string(report.message.properties[0].value);
}

Bytes real32(float number) { return Bytes().u8(9).number(std::bit_cast<std::uint32_t>(number), 4); }

// `levels` arrays in one another.
Bytes nested(std::size_t levels) {
  Bytes bytes;
  for (std::size_t i = 1; i < levels; ++i) bytes.u8(0x0d).u16(1);
  return bytes.u8(0x0d).u16(0);
}

// The message's JSON without its head, which is the same for all.
std::string body(const Uplink& uplink) {
  REQUIRE(uplink.is_message());
  constexpr std::string_view kHead = R"(,"deviceId":"d1","timestamp":1700000000000)";
  const std::size_t at = uplink.message.json.find(kHead);
  REQUIRE(at != std::string::npos);
  return uplink.message.json.substr(at + kHead.size());
}
}  // namespace

TEST_SUITE("codec.official.binary") {
  TEST_CASE("every message type up becomes its message, in the canonical text of JSON [wire.md 5.4]") {
    const Bytes object = Bytes().u16(2).string("t").real(36.5).string("on").u8(1).u8(1);
    const Bytes failed = Bytes().u8(0).i32(4).text("lost");
    const struct {
      const char* name;
      unsigned type;
      Bytes bytes;
      MessageType want;
      std::string text;
    } rows[] = {
        {"online", 1, Bytes().string(kKey), MessageType::online, R"(,"headers":{"_seq":7}})"},
        {"ack ok", 2, Bytes().u8(0), MessageType::acknowledge, R"(,"success":true,"headers":{"code":"ok","_seq":7}})"},
        {"ack noAuth", 2, Bytes().u8(1), MessageType::acknowledge,
         R"(,"success":false,"code":"noAuth","headers":{"code":"noAuth","_seq":7}})"},
        {"ack unsupported", 2, Bytes().u8(2), MessageType::acknowledge,
         R"(,"success":false,"code":"unsupportedMessage","headers":{"code":"unsupportedMessage","_seq":7}})"},
        {"report", 3, object, MessageType::report_property,
         R"(,"properties":{"t":36.5,"on":true},"headers":{"_seq":7}})"},
        {"report of nothing", 3, Bytes().u16(0), MessageType::report_property,
         R"(,"properties":{},"headers":{"_seq":7}})"},
        {"read reply", 5, Bytes().u8(1).raw(object.out), MessageType::read_property_reply,
         R"(,"success":true,"properties":{"t":36.5,"on":true},"headers":{"_seq":7}})"},
        {"read reply, failed", 5, failed, MessageType::read_property_reply,
         R"(,"success":false,"message":"lost","code":"4","headers":{"_seq":7}})"},
        {"write reply", 7, Bytes().u8(0xff).raw(object.out), MessageType::write_property_reply,
         R"(,"success":true,"properties":{"t":36.5,"on":true},"headers":{"_seq":7}})"},
        {"write reply, failed without words", 7, Bytes().u8(0).u8(0).u8(0), MessageType::write_property_reply,
         R"(,"success":false,"headers":{"_seq":7}})"},
        {"function reply", 9, Bytes().u8(1).text("reboot").text("done"), MessageType::invoke_function_reply,
         R"(,"success":true,"functionId":"reboot","output":"done","headers":{"_seq":7}})"},
        {"function reply without id", 9, Bytes().u8(1).u8(0).u8(0x0e).raw(object.out),
         MessageType::invoke_function_reply, R"(,"success":true,"output":{"t":36.5,"on":true},"headers":{"_seq":7}})"},
        {"function reply without output", 9, Bytes().u8(1).text("f").u8(0), MessageType::invoke_function_reply,
         R"(,"success":true,"functionId":"f","headers":{"_seq":7}})"},
        {"function reply, failed", 9, failed, MessageType::invoke_function_reply,
         R"(,"success":false,"message":"lost","code":"4","headers":{"_seq":7}})"},
        {"event", 0x0a, Bytes().string("fire").raw(object.out), MessageType::event,
         R"(,"event":"fire","data":{"t":36.5,"on":true},"headers":{"_seq":7}})"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.name);
      for (const Transport transport : {Transport::tcp, Transport::udp}) {
        const Uplink uplink = Session(transport).receive(message(row.type, row.bytes.out, 7));
        REQUIRE(uplink.is_message());
        CHECK(uplink.message.type == row.want);
        CHECK(uplink.message.message_id == "7");
        CHECK(uplink.message.headers.raw == boost::json::serialize(uplink.json().at("headers")));
        CHECK(body(uplink) == row.text);
      }
    }
  }

  TEST_CASE("what replies and events are about can be read without the JSON") {
    const Uplink failed = up(5, Bytes().u8(0).u8(1).u8(1).text("it \"broke\""));
    CHECK(!failed.message.success);
    CHECK(failed.message.code == "true");
    CHECK(failed.message.text == "it \"broke\"");
    CHECK(up(9, Bytes().u8(1).text("f").i32(1)).message.name == "f");
    CHECK(up(0x0a, Bytes().string("e").u16(0)).message.name == "e");
    CHECK(up(2, Bytes().u8(2)).message.code == "unsupportedMessage");
  }

  TEST_CASE("values of every type keep their amount [wire.md 5.3]") {
    CHECK(value(Bytes().u8(0)) == "null");
    CHECK(value(Bytes().u8(1).u8(0)) == "false");
    CHECK(value(Bytes().u8(1).u8(0x80)) == "true");
    CHECK(value(Bytes().u8(2).u8(0x80)) == "-128");
    CHECK(value(Bytes().u8(3).u16(0x8000)) == "-32768");
    CHECK(value(Bytes().i32(std::numeric_limits<std::int32_t>::min())) == "-2147483648");
    CHECK(value(Bytes().u8(5).number(0x7fffffffffffffff, 8)) == "9223372036854775807");
    CHECK(value(Bytes().u8(5).number(0x8000000000000000, 8)) == "-9223372036854775808");
    CHECK(value(Bytes().u8(5).number(9007199254740993, 8)) == "9007199254740993");
    CHECK(value(Bytes().u8(6).u8(0xff)) == "255");
    CHECK(value(Bytes().u8(7).u16(0xffff)) == "65535");
    CHECK(value(Bytes().u8(8).number(0xffffffff, 4)) == "4294967295");
    CHECK(value(real32(36.8F)) == "36.8");
    CHECK(value(Bytes().real(36.8)) == "36.8");
    CHECK(value(Bytes().real(-2)) == "-2.0");
    CHECK(value(Bytes().real(0.1 + 0.2)) == "0.30000000000000004");
    CHECK(value(Bytes().real(5e-324)) == "5e-324");
    CHECK(value(Bytes().text("a\"\n温")) == "\"a\\\"\\n温\"");
    CHECK(value(Bytes().u8(0x0c).string("\x00\x01\xff"s)) == "\"AAH/\"");
    CHECK(value(Bytes().u8(0x0d).u16(2).i32(1).text("a")) == R"([1,"a"])");
    CHECK(value(Bytes().u8(0x0e).u16(2).string("b").i32(1).string("a").u8(0x0e).u16(0)) == R"({"b":1,"a":{}})");
  }

  TEST_CASE("NaN and the infinities are null: a broken sensor does not cost the rest of the report") {
    CHECK(value(Bytes().real(std::numeric_limits<double>::quiet_NaN())) == "null");
    CHECK(value(Bytes().real(-std::numeric_limits<double>::infinity())) == "null");
    CHECK(value(real32(std::numeric_limits<float>::infinity())) == "null");
  }

  TEST_CASE("names that JSON escapes can be read unescaped") {
    const Uplink report = up(3, Bytes().u16(3).string("a\"b").i32(1).string("plain").i32(2).string("c\n").i32(3));
    REQUIRE(report.is_message());
    REQUIRE(report.message.properties.size() == 3);
    CHECK(report.message.properties[0].name == "a\"b");
    CHECK(report.message.properties[1].name == "plain");
    CHECK(report.message.properties[2].name == "c\n");
    CHECK(report.message.properties[2].value == "3");
    CHECK(report.json().at("properties").as_object().contains("a\"b"));
  }

  TEST_CASE("the time is the device's, or now when it has none [wire.md 5.2]") {
    const auto time = [](Millis sent) {
      const Uplink report = Session(Transport::tcp).receive(message(3, Bytes().u16(0).out, 0, "d1", sent), kNow + 5);
      return report.is_message() ? report.message.timestamp : -1;
    };
    CHECK(time(1) == 1);
    CHECK(time(0) == kNow + 5);
    CHECK(time(-1) == kNow + 5);
    CHECK(time(std::numeric_limits<Millis>::min()) == kNow + 5);
    CHECK(time(253'402'300'799'999) == 253'402'300'799'999);
    CHECK(time(253'402'300'800'000) == -1);
  }

  TEST_CASE("the sequence is the messageId, and 0 is none [wire.md 5.5]") {
    CHECK(up(3, Bytes().u16(0), 0).message.message_id.empty());
    CHECK(!up(3, Bytes().u16(0), 0).json().contains("messageId"));
    CHECK(up(3, Bytes().u16(0), 1).message.message_id == "1");
    CHECK(up(3, Bytes().u16(0), 65535).message.message_id == "65535");
  }

  TEST_CASE("bytes after the body are ignored [wire.md 5.2]") {
    CHECK(body(up(3, Bytes().u16(0).string("s3cret"))) == R"(,"properties":{},"headers":{"_seq":0}})");
  }

  TEST_CASE("what cannot be a message is refused, and nothing of it is left [wire.md 9.11]") {
    std::string many;
    for (int i = 0; i < 1025; ++i) many += Bytes().string(std::to_string(i)).u8(0).out;
    Bytes crowd;
    for (int i = 0; i < 2; ++i) crowd.u8(0x0d).u16(40'000).raw(std::string(40'000, '\0'));
    const struct {
      const char* name;
      unsigned type;
      Bytes bytes;
    } rows[] = {
        {"no body", 3, Bytes()},
        {"half a count", 3, Bytes().u8(0)},
        {"fewer properties than counted", 3, Bytes().u16(2).string("a").u8(0)},
        {"more than can follow", 3, Bytes().u16(65'535)},
        {"a name beyond the end", 3, Bytes().u16(1).u16(500).raw("abc")},
        {"a value that is missing", 3, Bytes().u16(1).string("a")},
        {"half a number", 3, Bytes().u16(1).string("a").u8(5).number(1, 7)},
        {"a type that does not exist", 3, Bytes().u16(1).string("a").u8(0x0f)},
        {"a negative type", 3, Bytes().u16(1).string("a").u8(0xff)},
        {"text beyond the end", 3, Bytes().u16(1).string("a").u8(0x0b).u16(9).raw("x")},
        {"text that is not UTF-8", 3, Bytes().u16(1).string("a").text("\xc3\x28")},
        {"a name that is not UTF-8", 3, Bytes().u16(1).string("\xff").u8(0)},
        {"a property twice", 3, Bytes().u16(2).string("a").u8(0).string("a").u8(0)},
        {"a name too long", 3, Bytes().u16(1).string(std::string(257, 'n')).u8(0)},
        {"too many properties", 3, Bytes().u16(1025).raw(many)},
        {"too many values", 3, Bytes().u16(1).string("a").u8(0x0d).u16(2).raw(crowd.out)},
        {"an array that promises more", 3, Bytes().u16(1).string("a").u8(0x0d).u16(3).u8(0)},
        {"nested too deep", 3, Bytes().u16(1).string("a").raw(nested(31).out)},
        {"reply without success", 5, Bytes()},
        {"reply without its result", 5, Bytes().u8(1)},
        {"failure without words", 7, Bytes().u8(0)},
        {"failure without message", 7, Bytes().u8(0).u8(0)},
        {"code that is an object", 7, Bytes().u8(0).u8(0x0e).u16(0).u8(0)},
        {"code that is an array", 7, Bytes().u8(0).raw(nested(1).out).u8(0)},
        {"function id that is binary", 9, Bytes().u8(1).u8(0x0c).string("f").u8(0)},
        {"function without output", 9, Bytes().u8(1).text("f")},
        {"event without id", 0x0a, Bytes()},
        {"event with an empty id", 0x0a, Bytes().string("").u16(0)},
        {"event id with a slash", 0x0a, Bytes().string("a/b").u16(0)},
        {"event id with a control character", 0x0a, Bytes().string("a\n").u16(0)},
        {"event id too long", 0x0a, Bytes().string(std::string(257, 'e')).u16(0)},
        {"event without data", 0x0a, Bytes().string("e")},
        {"ack without code", 2, Bytes()},
        {"ack with an unknown code", 2, Bytes().u8(3)},
    };
    for (const auto& row : rows) {
      CAPTURE(row.name);
      const Uplink uplink = up(row.type, row.bytes);
      CHECK(uplink.error() == Errc::invalid);
      CHECK(uplink.message.json.empty());
      CHECK(uplink.message.properties.empty());
      CHECK(!uplink.answer.has_reply);
      CHECK(!uplink.answer.close);
    }
    CHECK(up(3, Bytes().u16(1).string("a").raw(nested(30).out)).is_message());
    CHECK(up(3, Bytes().u16(1024).raw(many)).is_message());
    CHECK(up(3, Bytes().u16(1).string(std::string(256, 'n')).u8(0)).is_message());
  }

  TEST_CASE("headers that are short, wrong or of another framing are refused [wire.md 5.1, 5.2]") {
    const std::string report = message(3, Bytes().u16(0).out);
    Session tcp(Transport::tcp), udp(Transport::udp);
    for (std::size_t size = 0; size < report.size(); ++size) {
      CAPTURE(size);
      CHECK(tcp.receive(report.substr(0, size)).error() == Errc::invalid);
      CHECK(udp.receive(report.substr(0, size)).error() == Errc::invalid);
    }
    for (const unsigned type : {0x0bU, 0x7fU, 0x80U, 0xffU})
      CHECK(tcp.receive(message(type, "")).error() == Errc::invalid);
    for (const auto& bytes : {""s, "\0\0\0"s, "\0\0\0\0"s, report, frame(report) + "x", frame(report).substr(1)}) {
      CHECK(tcp.receive_bytes(bytes).error() == Errc::invalid);
    }
    for (const auto& bytes : {""s, "\0"s, "\0\0\x04key"s}) CHECK(udp.receive_bytes(bytes).error() == Errc::invalid);
    for (const auto& id : {std::string(257, 'i'), "a\n"s, "\xff"s, "a/b"s}) {
      CHECK(tcp.receive(message(3, Bytes().u16(0).out, 0, id)).error() == Errc::invalid);
    }
  }

  TEST_CASE("decoding into a used message leaves nothing of the one before") {
    Session session(Transport::tcp);
    codec::Uplink wire;
    wire.transport = Transport::tcp;
    codec::DeviceMessage out;
    codec::Answer answer;
    const auto decode_into = [&](const std::string& bytes) {
      wire.payload = bytes;
      REQUIRE(codec::official_protocol().decode(wire, {session.identity}, kNow, out, answer).has_value());
    };
    decode_into(frame(message(5, Bytes().u8(0).i32(1).text("x").out, 1)));
    decode_into(frame(message(3, Bytes().u16(1).string("a\n").i32(1).out, 2)));
    CHECK(out.success);
    CHECK(out.code.empty());
    CHECK(out.text.empty());
    decode_into(frame(message(0x0a, Bytes().string("e").u16(0).out)));
    CHECK(out.properties.empty());
    CHECK(out.scratch.empty());
    CHECK(out.message_id.empty());
    CHECK(out.headers.raw == R"({"_seq":0})");
  }
}
