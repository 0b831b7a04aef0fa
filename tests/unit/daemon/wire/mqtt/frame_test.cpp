// Packets that are wrong, whatever their type.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

namespace {
struct Row {
  const char* name;
  std::string bytes;
  std::string answer_v5;  // what a MQTT 5 client reads first: DISCONNECT with this code
  std::string close;
};

void check_rows(const std::string& connect_packet, const std::vector<Row>& rows, bool v5) {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Conversation talk;
    talk.open(connect_packet);
    const std::string answer = talk.feed(row.bytes);
    if (v5) {
      CHECK(answer.substr(0, 3) == "E0 ");
      CHECK(answer.substr(6, 2) == row.answer_v5);
    } else {
      CHECK(answer.empty());  // before MQTT 5 the connection just ends [3.1.1 MQTT-4.8.0-1]
    }
    CHECK(talk.is_closed());
    CHECK(talk.last() == "close " + row.close);
    CHECK_FALSE(talk.machine().close_detail().empty());
    CHECK(talk.feed(kPing).empty());  // and nothing is handled any more
  }
}
}  // namespace

TEST_CASE("malformed 3.1.1 packets end the connection without an answer [3.1.1 MQTT-4.8.0-1]") {
  const std::string bad = "\xED\xA0\x80";
  check_rows(
      connect_v311(),
      {
          {"reserved type 0 [3.1.1 MQTT-2.2.2-2]", hex("00 00"), "", "malformed_packet"},
          {"reserved type 15", hex("F0 00"), "", "malformed_packet"},
          {"PINGREQ with flags [3.1.1 MQTT-2.2.2-1]", hex("C1 00"), "", "malformed_packet"},
          {"PINGREQ with a body", hex("C0 01 00"), "", "malformed_packet"},
          {"DISCONNECT with flags [3.1.1 MQTT-3.14.1-1]", hex("E1 00"), "", "malformed_packet"},
          {"DISCONNECT with a body", hex("E0 01 00"), "", "malformed_packet"},
          {"PUBACK with flags", hex("42 02 00 01"), "", "malformed_packet"},
          {"PUBREC with flags", hex("51 02 00 01"), "", "malformed_packet"},
          {"PUBREL without its flags [3.1.1 MQTT-3.6.1-1]", hex("60 02 00 01"), "", "malformed_packet"},
          {"PUBREL with DUP", hex("6A 02 00 01"), "", "malformed_packet"},
          {"PUBCOMP with flags", hex("78 02 00 01"), "", "malformed_packet"},
          {"SUBSCRIBE without its flags [3.1.1 MQTT-3.8.1-1]", hex("80 06 00 01 00 01 61 00"), "", "malformed_packet"},
          {"UNSUBSCRIBE without its flags [3.1.1 MQTT-3.10.1-1]", hex("A0 05 00 01 00 01 61"), "", "malformed_packet"},
          {"CONNACK from a client", hex("20 02 00 00"), "", "protocol_error"},
          {"SUBACK from a client", hex("90 03 00 01 00"), "", "protocol_error"},
          {"UNSUBACK from a client", hex("B0 02 00 01"), "", "protocol_error"},
          {"PINGRESP from a client", hex("D0 00"), "", "protocol_error"},
          {"second CONNECT [3.1.1 MQTT-3.1.0-2]", connect_v311(), "", "protocol_error"},
          {"remaining length of five bytes", hex("30 80 80 80 80 01"), "", "malformed_packet"},
          {"packet over the limit", hex("30 81 40"), "", "packet_too_large"},
          {"packet far over the limit", hex("30 FF FF FF 7F"), "", "packet_too_large"},
          {"PUBLISH with QoS 3 [3.1.1 MQTT-3.3.1-4]", publish(6, "t", 1, "x"), "", "malformed_packet"},
          {"PUBLISH with DUP and QoS 0 [3.1.1 MQTT-3.3.1-2]", publish(8, "t", 0, "x"), "", "malformed_packet"},
          {"PUBLISH without a topic [3.1.1 MQTT-4.7.3-1]", publish(0, "", 0, "x"), "", "malformed_packet"},
          {"PUBLISH with an empty body", hex("30 00"), "", "malformed_packet"},
          {"PUBLISH with half a topic", hex("30 03 00 04 61"), "", "malformed_packet"},
          {"PUBLISH without packet id", hex("32 03 00 01 74"), "", "malformed_packet"},
          {"PUBLISH with packet id 0 [3.1.1 MQTT-2.3.1-1]", publish(2, "t", 0, "x"), "", "protocol_error"},
          {"PUBLISH to a wildcard [3.1.1 MQTT-3.3.2-2]", publish(0, "a/+", 0, "x"), "", "malformed_packet"},
          {"PUBLISH to bad UTF-8 [3.1.1 MQTT-3.3.2-1]", publish(0, bad, 0, "x"), "", "malformed_packet"},
          {"PUBLISH to U+0000 [3.1.1 MQTT-1.5.3-2]", publish(0, std::string("a\0", 2), 0, "x"), "", "malformed_packet"},
          {"PUBLISH to a topic over the limit", publish(0, std::string(1025, 't'), 0, ""), "", "protocol_error"},
          {"PUBACK too short", hex("40 01 00"), "", "malformed_packet"},
          {"PUBACK with a reason code", hex("40 03 00 01 00"), "", "malformed_packet"},
          {"PUBACK with packet id 0", ack(0x40, 0), "", "protocol_error"},
          {"PUBREL with packet id 0", ack(0x62, 0), "", "protocol_error"},
          {"SUBSCRIBE without filters [3.1.1 MQTT-3.8.3-3]", packet(0x82, u16(1)), "", "protocol_error"},
          {"SUBSCRIBE with packet id 0", subscribe(0, {{"a", 0}}), "", "protocol_error"},
          {"SUBSCRIBE without packet id", hex("82 01 00"), "", "malformed_packet"},
          {"SUBSCRIBE with QoS 3 [3.1.1 MQTT-3.8.3-4]", subscribe(1, {{"a", 3}}), "", "malformed_packet"},
          {"SUBSCRIBE with reserved bits [3.1.1 MQTT-3.8.3-4]", subscribe(1, {{"a", 4}}), "", "malformed_packet"},
          {"SUBSCRIBE without options", packet(0x82, u16(1) + str("a")), "", "malformed_packet"},
          {"SUBSCRIBE with an empty filter [3.1.1 MQTT-4.7.3-1]", subscribe(1, {{"", 0}}), "", "malformed_packet"},
          {"SUBSCRIBE with a bad filter [3.1.1 MQTT-4.7.1-2]", subscribe(1, {{"a/#/b", 0}}), "", "malformed_packet"},
          {"SUBSCRIBE with bad UTF-8 [3.1.1 MQTT-3.8.3-1]", subscribe(1, {{bad, 0}}), "", "malformed_packet"},
          {"UNSUBSCRIBE without filters [3.1.1 MQTT-3.10.3-2]", packet(0xA2, u16(1)), "", "protocol_error"},
          {"UNSUBSCRIBE with bad UTF-8 [3.1.1 MQTT-3.10.3-1]", unsubscribe(1, {bad}), "", "malformed_packet"},
          {"UNSUBSCRIBE with packet id 0", unsubscribe(0, {"a"}), "", "protocol_error"},
      },
      false);
}

TEST_CASE("malformed MQTT 5 packets are answered with DISCONNECT and its code [MQTT-4.13.1-1]") {
  const std::string one(1, '\1');
  check_rows(
      connect_v5(),
      {
          {"reserved type 0", hex("00 00"), "81", "malformed_packet"},
          {"AUTH without a method [MQTT-4.12.0-6]", hex("F0 00"), "82", "protocol_error"},
          {"AUTH of an enhanced authentication", packet(0xF0, u8(0x19) + props(u8(0x15) + str("SCRAM"))), "82",
           "protocol_error"},
          {"AUTH with flags [MQTT-3.15.1-1]", hex("F1 00"), "81", "malformed_packet"},
          {"PUBACK with flags [MQTT-2.1.3-1]", hex("42 02 00 01"), "81", "malformed_packet"},
          {"PUBREL without its flags [MQTT-3.6.1-1]", hex("60 02 00 01"), "81", "malformed_packet"},
          {"SUBSCRIBE without its flags [MQTT-3.8.1-1]", hex("80 07 00 01 00 00 01 61 00"), "81", "malformed_packet"},
          {"UNSUBSCRIBE without its flags [MQTT-3.10.1-1]", hex("A0 06 00 01 00 00 01 61"), "81", "malformed_packet"},
          {"PUBLISH with DUP and QoS 0 [MQTT-3.3.1-2]", publish_v5(8, "t", 0, "", "x"), "81", "malformed_packet"},
          {"PUBLISH to a wildcard [MQTT-3.3.2-2]", publish_v5(0, "a/#", 0, "", "x"), "81", "malformed_packet"},
          {"PUBLISH to bad UTF-8 [MQTT-3.3.2-1]", publish_v5(0, "\xED\xA0\x80", 0, "", "x"), "81", "malformed_packet"},
          {"PUBLISH to U+0000 [MQTT-4.7.3-2]", publish_v5(0, std::string("a\0", 2), 0, "", ""), "81",
           "malformed_packet"},
          {"content type is not UTF-8 [MQTT-3.3.2-19]", publish_v5(0, "t", 0, u8(3) + str("\xFF"), ""), "81",
           "malformed_packet"},
          {"response topic is not UTF-8 [MQTT-3.3.2-13]", publish_v5(0, "t", 0, u8(8) + str("\xFF"), ""), "81",
           "malformed_packet"},
          {"SUBSCRIBE with QoS 3", subscribe(1, {{"a", 3}}, ""), "81", "malformed_packet"},
          {"SUBSCRIBE with an empty filter [MQTT-4.7.3-1]", subscribe(1, {{"", 0}}, ""), "81", "malformed_packet"},
          {"SUBSCRIBE with '#' inside [MQTT-4.7.1-1]", subscribe(1, {{"a/#/b", 0}}, ""), "81", "malformed_packet"},
          {"SUBSCRIBE with '+' beside text [MQTT-4.7.1-2]", subscribe(1, {{"a/b+", 0}}, ""), "81", "malformed_packet"},
          {"SUBSCRIBE with bad UTF-8 [MQTT-3.8.3-1]", subscribe(1, {{"\xFF", 0}}, ""), "81", "malformed_packet"},
          {"SUBSCRIBE with packet id 0 [MQTT-2.2.1-3]", subscribe(0, {{"a", 0}}, ""), "82", "protocol_error"},
          {"SUBSCRIBE without a property length [MQTT-2.2.2-1]", hex("82 02 00 01"), "81", "malformed_packet"},
          {"share without a name [MQTT-4.8.2-1]", subscribe(1, {{"$share//a", 0}}, ""), "81", "malformed_packet"},
          {"share with a wildcard in its name [MQTT-4.8.2-2]", subscribe(1, {{"$share/+/a", 0}}, ""), "81",
           "malformed_packet"},
          {"share without a filter [MQTT-4.8.2-2]", subscribe(1, {{"$share/g", 0}}, ""), "81", "malformed_packet"},
          {"share with an empty filter [MQTT-4.8.2-2]", subscribe(1, {{"$share/g/", 0}}, ""), "81", "malformed_packet"},
          {"UNSUBSCRIBE from a wrong share [MQTT-4.8.2-2]", unsubscribe(1, {"$share/g"}, ""), "81", "malformed_packet"},
          {"UNSUBSCRIBE with bad UTF-8 [MQTT-3.10.3-1]", unsubscribe(1, {"\xFF"}, ""), "81", "malformed_packet"},
          {"UNSUBSCRIBE with packet id 0 [MQTT-2.2.1-3]", unsubscribe(0, {"a"}, ""), "82", "protocol_error"},
          {"PUBREC with packet id 0", ack(0x50, 0), "82", "protocol_error"},
          {"PUBCOMP with a code of other packets", hex("70 03 00 01 80"), "81", "malformed_packet"},
          {"DISCONNECT with a code that is none", packet(0xE0, u8(0x03)), "81", "malformed_packet"},
          {"DISCONNECT with a server reference", packet(0xE0, u8(0) + props(u8(0x1C) + str("x"))), "81",
           "malformed_packet"},
          {"PINGREQ with flags", hex("C4 00"), "81", "malformed_packet"},
          {"PINGREQ with a body", hex("C0 01 00"), "81", "malformed_packet"},
          {"CONNACK from a client", hex("20 03 00 00 00"), "82", "protocol_error"},
          {"second CONNECT [MQTT-3.1.0-2]", connect_v5(), "82", "protocol_error"},
          {"remaining length of five bytes", hex("30 80 80 80 80 01"), "81", "malformed_packet"},
          {"remaining length not shortest [MQTT-1.5.5-1]", hex("C0 80 00"), "81", "malformed_packet"},
          {"packet over the limit [MQTT-3.2.2-15]", hex("30 81 40"), "95", "packet_too_large"},
          {"PUBLISH with QoS 3", publish_v5(6, "t", 1, "", "x"), "81", "malformed_packet"},
          {"PUBLISH without topic and alias", publish_v5(0, "", 0, "", "x"), "82", "protocol_error"},
          {"PUBLISH to an alias that is not set", publish_v5(0, "", 0, hex("23 00 01"), ""), "82", "protocol_error"},
          {"topic alias 0 [MQTT-3.3.2-8]", publish_v5(0, "t", 0, hex("23 00 00"), ""), "94", "protocol_error"},
          {"topic alias over the maximum [MQTT-3.3.2-9]", publish_v5(0, "t", 0, hex("23 00 11"), ""), "94",
           "protocol_error"},
          {"PUBLISH with a subscription id [MQTT-3.3.4-6]", publish_v5(0, "t", 0, hex("0B 01"), ""), "82",
           "protocol_error"},
          {"PUBLISH with packet id 0 [MQTT-2.2.1-2]", publish_v5(2, "t", 0, "", ""), "82", "protocol_error"},
          {"PUBLISH without a property length", hex("30 03 00 01 74"), "81", "malformed_packet"},
          {"PUBLISH to a topic over the limit", publish_v5(0, std::string(1025, 't'), 0, "", ""), "90",
           "protocol_error"},
          {"response topic with a wildcard [MQTT-3.3.2-14]", publish_v5(0, "t", 0, u8(8) + str("a/#"), ""), "82",
           "protocol_error"},
          {"payload format 2", publish_v5(0, "t", 0, hex("01 02"), ""), "82", "protocol_error"},
          {"property twice", publish_v5(0, "t", 0, hex("01 00 01 00"), ""), "82", "protocol_error"},
          {"unknown property", publish_v5(0, "t", 0, hex("7E 00"), ""), "81", "malformed_packet"},
          {"property of another packet", publish_v5(0, "t", 0, hex("21 00 01"), ""), "81", "malformed_packet"},
          {"property cut off", publish_v5(0, "t", 0, hex("02 00 01"), ""), "81", "malformed_packet"},
          {"property length beyond the packet", hex("30 04 00 01 74 05"), "81", "malformed_packet"},
          {"property length not shortest [MQTT-1.5.5-1]", hex("30 05 00 01 74 80 00"), "81", "malformed_packet"},
          {"PUBACK with a code of other packets [MQTT-3.4.2-1]", hex("40 03 00 01 01"), "81", "malformed_packet"},
          {"PUBREL with a code of other packets [MQTT-3.6.2-1]", hex("62 03 00 01 80"), "81", "malformed_packet"},
          {"PUBACK with a property of CONNECT", hex("40 07 00 01 00 03 21 00 01"), "81", "malformed_packet"},
          {"DISCONNECT with a property of CONNECT", packet(0xE0, u8(0) + props(hex("21 00 01"))), "81",
           "malformed_packet"},
          {"DISCONNECT with two reason strings", packet(0xE0, u8(0) + props(u8(0x1F) + str("a") + u8(0x1F) + str("b"))),
           "82", "protocol_error"},
          {"PUBACK with trailing bytes", hex("40 05 00 01 00 00 00"), "81", "malformed_packet"},
          {"SUBSCRIBE with reserved bits [MQTT-3.8.3-5]", subscribe(1, {{"a", 0x40}}, ""), "81", "malformed_packet"},
          {"SUBSCRIBE with retain handling 3", subscribe(1, {{"a", 0x30}}, ""), "82", "protocol_error"},
          {"subscription id 0 (MQTT 5 §3.8.2.1.2)", subscribe(1, {{"a", 0}}, hex("0B 00")), "82", "protocol_error"},
          {"two subscription ids", subscribe(1, {{"a", 0}}, hex("0B 01 0B 02")), "82", "protocol_error"},
          {"no local on a share [MQTT-3.8.3-4]", subscribe(1, {{"$share/g/a", 4}}, ""), "82", "protocol_error"},
          {"SUBSCRIBE without filters [MQTT-3.8.3-2]", packet(0x82, u16(1) + u8(0)), "82", "protocol_error"},
          {"UNSUBSCRIBE without filters [MQTT-3.10.3-2]", packet(0xA2, u16(1) + u8(0)), "82", "protocol_error"},
          {"UNSUBSCRIBE with a subscription id", unsubscribe(1, {"a"}, hex("0B 01")), "81", "malformed_packet"},
          {"DISCONNECT with a code of a server [MQTT-3.14.2-1]", packet(0xE0, u8(0x8B)), "81", "malformed_packet"},
          {"DISCONNECT with flags [MQTT-3.14.1-1]", hex("E1 00"), "81", "malformed_packet"},
          {"DISCONNECT that prolongs the session", packet(0xE0, u8(0) + props(u8(0x11) + u32(5))), "82",
           "protocol_error"},
          {"DISCONNECT with trailing bytes", packet(0xE0, u8(0) + u8(0) + one), "81", "malformed_packet"},
          {"user property with bad UTF-8 [MQTT-1.5.7-1]", publish_v5(0, "t", 0, u8(0x26) + str("\xFF") + str(""), ""),
           "81", "malformed_packet"},
      },
      true);
}

TEST_CASE("the largest packet that is announced is accepted and one byte more is not [MQTT-3.2.2-15]") {
  ServerLimits limits;
  limits.max_packet = 200;
  Conversation talk({}, limits);
  const std::string connack = talk.feed(connect_v5());
  CHECK(connack.find("27 00 00 00 CB") != std::string::npos);  // 200 bytes and a fixed header of 3
  const std::string largest = publish_v5(0, "t", 0, "", std::string(196, 'x'));
  REQUIRE(largest.size() == 0xCB);
  CHECK(talk.feed(largest).empty());
  CHECK_FALSE(talk.is_closed());
  CHECK(talk.feed(publish_v5(0, "t", 0, "", std::string(197, 'x'))).substr(0, 9).ends_with("95 "));
  CHECK(talk.last() == "close packet_too_large");
}

TEST_CASE("what the client did wrong is told to a MQTT 5 client that has room for it [MQTT-3.14.2-3]") {
  for (const bool room : {true, false}) {
    Conversation talk;
    talk.open(connect_v5(room ? "" : hex("27 00 00 00 28")));
    const std::string answer = talk.feed(hex("C4 00"));
    const std::string text = "flags of the fixed header are wrong";
    const std::string list = u8(0x1F) + str(text);
    CHECK(answer == to_hex(packet(0xE0, u8(0x81) + (room ? props(list) : props("")))));
    CHECK(talk.machine().close_detail() == text);
  }
}

TEST_CASE("packets may arrive in any pieces and many at once") {
  Conversation talk;
  std::string stream = connect_v311() + kPing;
  for (unsigned id = 1; id <= 20; ++id) stream += publish(2, "t", id, std::string(id * 20, 'x'));
  stream += kPing;
  const std::string answer = talk.feed(stream);
  CHECK(answer.starts_with("20 02 00 00 D0 00 40 02 00 01 40 02 00 02"));
  CHECK(answer.ends_with("40 02 00 14 D0 00"));
  CHECK(talk.machine().held_bytes() == 0);
  // Three pieces: one and a half packets, half a packet, the rest.
  const std::string two = publish(0, "a", 0, "first") + publish(0, "b", 0, "second");
  for (std::size_t i = 1; i < two.size(); ++i) {
    Conversation cut;
    cut.open(connect_v311());
    cut.feed(std::string_view(two).substr(0, i));
    cut.feed(std::string_view(two).substr(i));
    CHECK(cut.take_log() == Log{"publish a q0 first", "publish b q0 second"});
  }
}

TEST_CASE("PINGREQ is answered with PINGRESP [3.1.1 MQTT-3.12.4-1]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.feed(kPing) == "D0 00");
  CHECK(talk.feed(kPing + kPing) == "D0 00 D0 00");
}

TEST_SUITE_END();
