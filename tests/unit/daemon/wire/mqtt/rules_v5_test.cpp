// Statements of MQTT 5 that older versions have as well, held against a MQTT 5 client.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

namespace {
std::string answer_code(const std::string& answer) { return answer.substr(0, 3) + answer.substr(6, 2); }
}  // namespace

TEST_CASE("strings are well-formed UTF-8 without surrogates [MQTT-1.5.4-1]") {
  for (const char* bad :
       {"\xED\xA0\x80", "\xED\xBF\xBF", "\xC0\x80", "\xE0\x80\xAF", "\xF4\x90\x80\x80", "\xC3", "\x80"}) {
    CAPTURE(to_hex(bad));
    Conversation topic;
    topic.open(connect_v5());
    CHECK(answer_code(topic.feed(publish_v5(0, bad, 0, "", ""))) == "E0 81");
    Conversation value;
    value.open(connect_v5());
    CHECK(answer_code(value.feed(publish_v5(0, "t", 0, u8(0x26) + str("k") + str(bad), ""))) == "E0 81");
    Conversation filter;
    filter.open(connect_v5());
    CHECK(answer_code(filter.feed(subscribe(1, {{bad, 0}}, ""))) == "E0 81");
  }
  Conversation fine;
  fine.open(connect_v5());
  CHECK(fine.feed(publish_v5(0, "\xF0\x9F\x98\x80/\xEF\xBF\xBF/\x01", 0, "", "")).empty());
  CHECK_FALSE(fine.is_closed());
}

TEST_CASE(
    "CONNECT comes first, CONNACK answers it before all else and once "
    "[MQTT-3.1.0-1] [MQTT-3.2.0-1] [MQTT-3.2.0-2] [MQTT-3.1.4-5]") {
  Conversation early;
  CHECK(early.feed(publish_v5(0, "t", 0, "", "")).empty());
  CHECK(early.last() == "close protocol_error");
  Conversation auth;
  CHECK(auth.feed(hex("F0 00")).empty());
  CHECK(auth.is_closed());
  Policy policy;
  policy.connect = [](Side&, const ConnectView&) {};
  Conversation talk(policy);
  CHECK(talk.feed(connect_v5() + kPing + publish_v5(2, "t", 1, "", "")).empty());
  const auto accept = [](Side& side) { side.machine.accept({}, side.out); };
  const std::string answer = talk.act(accept);
  CHECK(answer.starts_with("20 0E 00 00"));
  CHECK(answer.ends_with(" D0 00 40 02 00 01"));
  CHECK(talk.act(accept).empty());
}

TEST_CASE("the protocol name is checked before anything is answered [MQTT-3.1.2-1] [MQTT-3.1.4-1]") {
  for (const char* name : {"MQTX", "mqtt", "MQT", ""}) {
    Conversation talk;
    CHECK(talk.feed(connect({.level = 5, .name = name})).empty());
    CHECK(talk.take_log() == Log{"close malformed_packet"});
  }
}

TEST_CASE("the fields of a CONNECT are found in their order [MQTT-3.1.3-1] [MQTT-3.1.2-18] [MQTT-3.1.3-5]") {
  Policy policy;
  policy.connect = [](Side& side, const ConnectView& view) {
    CHECK(view.client_id == "0123456789abcdefghijklm");
    REQUIRE(view.will != nullptr);
    CHECK(view.will->topic == "w");
    CHECK(view.will->payload == "gone");
    CHECK_FALSE(view.will->retain);  // [MQTT-3.1.2-14]
    CHECK(view.username == "u");
    CHECK_FALSE(view.has_password);
    side.machine.accept({}, side.out);
  };
  Conversation talk(policy);
  talk.feed(connect({.level = 5, .id = "0123456789abcdefghijklm", .will_topic = "w", .username = "u"}));
  CHECK(talk.machine().state() == ServerMachine::State::connected);
}

TEST_CASE("an empty client identifier is handed over, clean start or not [MQTT-3.1.3-6]") {
  for (const bool clean : {true, false}) {
    Conversation talk;
    talk.open(connect({.level = 5, .id = "", .clean = clean}));
    CHECK(talk.machine().clean_start() == clean);
  }
}

TEST_CASE("a refusal has session present 0 and ends the connection [MQTT-3.2.2-6] [MQTT-4.13.2-1]") {
  Policy policy;
  policy.connect = [](Side& side, const ConnectView&) { side.machine.refuse(ReasonCode::banned, side.out); };
  Conversation talk(policy);
  CHECK(talk.feed(connect({.level = 5, .clean = false}) + kPing) == "20 03 00 8A 00");
  CHECK(talk.take_log() == Log{"connect d1", "close refused"});
}

TEST_CASE("the will is due whenever the connection ends without a normal DISCONNECT [MQTT-3.1.2-8]") {
  const std::string hello = connect({.level = 5, .will_topic = "w"});
  const std::string ends[] = {packet(0xE0, u8(0x04)), hex("C4 00"), connect_v5(), hex("F0 00")};
  for (const std::string& end : ends) {
    CAPTURE(to_hex(end));
    Conversation talk;
    talk.open(hello);
    talk.feed(end);
    CHECK(talk.last().ends_with(" will"));
  }
  Conversation lost;
  lost.open(hello);
  lost.act([](Side& side) { side.machine.connection_lost(); });
  CHECK(lost.last() == "close connection_lost will");
}

TEST_CASE(
    "each QoS has its answer with the packet's own identifier "
    "[MQTT-2.2.1-5] [MQTT-3.3.4-1] [MQTT-4.3.1-1] [MQTT-4.3.2-4] [MQTT-4.3.3-8]") {
  Conversation talk;
  talk.open(connect_v5());
  CHECK(talk.feed(publish_v5(0, "t", 0, "", "a")).empty());
  CHECK(talk.feed(publish_v5(2, "t", 0x1234, "", "b")) == "40 02 12 34");
  CHECK(talk.feed(publish_v5(4, "t", 0x4321, "", "c")) == "50 02 43 21");
  CHECK(talk.feed(ack(0x62, 0x4321)) == "70 02 43 21");
  CHECK(talk.take_log() == Log{"publish t q0 a", "publish t q1 b", "publish t q2 c"});
}

TEST_CASE("after PUBACK a packet id stands for a new message [MQTT-4.3.2-5] [MQTT-4.3.3-12]") {
  Conversation talk;
  talk.open(connect_v5());
  talk.feed(publish_v5(2, "t", 1, "", "a") + publish_v5(0xA, "t", 1, "", "b"));
  talk.feed(publish_v5(4, "t", 1, "", "c") + ack(0x62, 1) + publish_v5(0xC, "t", 1, "", "d"));
  CHECK(talk.take_log() == Log{"publish t q1 a", "publish t q1d b", "publish t q2 c", "publish t q2d d"});
}

TEST_CASE("PUBACK and PUBREC come in the order of the messages [MQTT-4.6.0-2] [MQTT-4.6.0-3]") {
  Conversation talk;
  talk.open(connect_v5());
  CHECK(talk.feed(publish_v5(4, "t", 9, "", "") + publish_v5(2, "t", 8, "", "") + publish_v5(4, "t", 7, "", "")) ==
        "50 02 00 09 40 02 00 08 50 02 00 07");
}

TEST_CASE(
    "messages to the client start with DUP 0 and a fresh packet id [MQTT-4.3.2-2] [MQTT-4.3.3-2] [MQTT-4.3.3-3]") {
  Conversation talk;
  talk.open(connect_v5());
  CHECK(talk.publish({.topic = "t", .payload = "", .qos = 1}));
  CHECK(talk.publish({.topic = "t", .payload = "", .qos = 2}));
  CHECK(talk.take() == to_hex(publish_v5(2, "t", 1, "", "") + publish_v5(4, "t", 2, "", "")));
  // Until PUBACK and PUBCOMP the ids are taken [MQTT-4.3.2-3] [MQTT-4.3.3-5].
  talk.feed(ack(0x50, 2));
  for (unsigned id = 3; id <= 65535; ++id) {
    if (!talk.publish({.topic = "t", .payload = "", .qos = 1})) FAIL("refused at " << id);
    talk.act([&](Side& side) { side.machine.feed(ack(0x40, id), side.out), side.out.clear(); });
  }
  CHECK(talk.publish({.topic = "t", .payload = "", .qos = 1}));
  CHECK(talk.take() == to_hex(publish_v5(2, "t", 3, "", "")));
}

TEST_CASE("with no quota left all other packets are handled and answered [MQTT-4.9.0-3]") {
  Conversation talk;
  talk.open(connect_v5(hex("21 00 01")));
  CHECK(talk.publish({.topic = "t", .payload = "", .qos = 1}));
  CHECK(talk.publish({.topic = "t", .payload = "waits", .qos = 1}));
  talk.take();
  CHECK(talk.feed(kPing + publish_v5(2, "u", 5, "", "") + subscribe(6, {{"a", 0}}, "") + ack(0x62, 9)) ==
        "D0 00 40 02 00 05 90 04 00 06 00 00 70 03 00 09 92");
}

TEST_CASE(
    "SUBACK has the packet id and one code per filter in order, never above what was asked "
    "[MQTT-2.2.1-6] [MQTT-3.8.4-2] [MQTT-3.8.4-5] [MQTT-3.8.4-6] [MQTT-3.8.4-7] [MQTT-3.9.3-1]") {
  Policy policy;
  policy.subscribe = [](Side&, std::string_view filter, const SubscribeOptions&) {
    return filter == "no" ? ReasonCode::not_authorized : ReasonCode::granted_qos2;
  };
  Conversation talk(policy);
  talk.open(connect_v5());
  CHECK(talk.feed(subscribe(0x0A0B, {{"a", 2}, {"no", 0}, {"b", 1}, {"c", 0}}, "")) == "90 07 0A 0B 00 02 87 01 00");
}

TEST_CASE("a subscription to the same filter replaces the old one with its identifier [MQTT-3.8.4-3]") {
  Conversation talk;
  talk.open(connect_v5());
  talk.feed(subscribe(1, {{"a", 2}}, hex("0B 05")) + subscribe(2, {{"a", 0}}, hex("0B 06")));
  CHECK(talk.machine().granted_qos("a") == 0);
  CHECK(talk.publish({.topic = "a", .payload = ""}));
  CHECK(talk.take() == to_hex(publish_v5(0, "a", 0, hex("0B 06"), "")));
}

TEST_CASE(
    "UNSUBSCRIBE takes away what is equal to the last character and is always answered "
    "[MQTT-3.10.4-1] [MQTT-3.10.4-4] [MQTT-3.10.4-5] [MQTT-3.10.4-6] [MQTT-3.11.3-2]") {
  Conversation talk;
  talk.open(connect_v5());
  talk.feed(subscribe(1, {{"a/+", 0}, {"b", 0}}, ""));
  talk.take_log();
  CHECK(talk.feed(unsubscribe(0x0C0D, {"a/#", "b", "A/+", "a/+"}, "")) == "B0 07 0C 0D 00 11 00 11 00");
  CHECK(talk.take_log() == Log{"unsubscribe b", "unsubscribe a/+"});
}

TEST_CASE("what is in flight is completed after UNSUBSCRIBE [MQTT-3.10.4-3]") {
  Conversation talk;
  talk.open(connect_v5());
  talk.feed(subscribe(1, {{"t", 2}}, ""));
  CHECK(talk.publish({.topic = "t", .payload = "", .qos = 2, .tag = 8}));
  talk.take();
  talk.feed(unsubscribe(2, {"t"}, ""));
  CHECK(talk.feed(ack(0x50, 1)) == "62 02 00 01");
  talk.take_log();
  talk.feed(ack(0x70, 1));
  CHECK(talk.take_log() == Log{"delivered 8"});
}

TEST_CASE("PINGREQ is answered with PINGRESP (MQTT 5) [MQTT-3.12.4-1]") {
  Conversation talk;
  talk.open(connect_v5());
  CHECK(talk.feed(kPing + kPing) == "D0 00 D0 00");
}

TEST_CASE(
    "topic names have no wildcards and match as written "
    "[MQTT-4.7.0-1] [MQTT-4.7.2-1] [MQTT-4.7.3-3] [MQTT-4.7.3-4]") {
  CHECK_FALSE(is_valid_topic_name("a/+"));
  CHECK_FALSE(is_valid_topic_name("#"));
  CHECK(is_valid_topic_name(std::string(65535, 'a')));
  CHECK_FALSE(is_valid_topic_name(std::string(65536, 'a')));
  CHECK_FALSE(is_valid_topic_filter(std::string(65536, 'a')));
  CHECK_FALSE(topic_matches("#", "$SYS/x"));
  CHECK_FALSE(topic_matches("+/x", "$SYS/x"));
  CHECK(topic_matches("$SYS/#", "$SYS/x"));
  CHECK_FALSE(topic_matches("a", "A"));
  CHECK_FALSE(topic_matches("a", "/a"));
  CHECK_FALSE(topic_matches("a", "a/"));
  CHECK_FALSE(topic_matches("caf\xC3\xA9", "cafe\xCC\x81"));
}

TEST_CASE("a DISCONNECT ends it: nothing is handled behind it [MQTT-3.14.4-2]") {
  Conversation talk;
  talk.open(connect_v5());
  CHECK(talk.feed(kDisconnect + publish_v5(2, "t", 1, "", "")).empty());
  CHECK(talk.take_log() == Log{"close client_disconnect"});
}

TEST_CASE("every property that may stand once is refused the second time [MQTT-4.13.1-1]") {
  struct Row {
    const char* name;
    std::string property;
    bool of_connect;
  };
  const Row rows[] = {
      {"session expiry", u8(0x11) + u32(1), true},
      {"receive maximum", hex("21 00 05"), true},
      {"maximum packet size", hex("27 00 00 10 00"), true},
      {"topic alias maximum", hex("22 00 05"), true},
      {"request response information", hex("19 01"), true},
      {"request problem information", hex("17 01"), true},
      {"payload format", hex("01 01"), false},
      {"message expiry", u8(0x02) + u32(1), false},
      {"content type", u8(0x03) + str("c"), false},
      {"response topic", u8(0x08) + str("r"), false},
      {"correlation data", u8(0x09) + str("c"), false},
      {"topic alias", hex("23 00 01"), false},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Conversation once;
    Conversation twice;
    if (row.of_connect) {
      once.open(connect_v5(row.property));
      CHECK(twice.feed(connect_v5(row.property + row.property)).substr(6, 5) == "00 82");
    } else {
      once.open(connect_v5());
      CHECK(once.feed(publish_v5(0, "t", 0, row.property, "")).empty());
      twice.open(connect_v5());
      CHECK(answer_code(twice.feed(publish_v5(0, "t", 0, row.property + row.property, ""))) == "E0 82");
    }
    CHECK_FALSE(once.is_closed());
    CHECK(twice.is_closed());
  }
}

TEST_SUITE_END();
