// PUBLISH to the client: packet ids, the window, the queue.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

namespace {
OutgoingPublish message(std::uint8_t qos, std::uint64_t tag = 0, std::string_view payload = "m") {
  return {.topic = "t", .payload = payload, .qos = qos, .tag = tag};
}
std::string sent(unsigned qos, unsigned id, std::string_view payload = "m") {
  return to_hex(publish(qos << 1, "t", id, payload));
}
}  // namespace

TEST_CASE(
    "messages are encoded with their QoS, without DUP [3.1.1 MQTT-3.3.1-1] [3.1.1 MQTT-2.3.1-2] [3.1.1 MQTT-2.3.1-5]") {
  Conversation talk;
  talk.open(connect_v311());
  REQUIRE(talk.publish(message(0)));
  CHECK(talk.take() == "30 04 00 01 74 6D");
  REQUIRE(talk.publish(message(1)));
  CHECK(talk.take() == "32 06 00 01 74 00 01 6D");
  REQUIRE(talk.publish(message(2)));
  CHECK(talk.take() == "34 06 00 01 74 00 02 6D");
  REQUIRE(talk.publish({.topic = "t", .payload = "", .qos = 0, .retain = true}));
  CHECK(talk.take() == "31 03 00 01 74");
  REQUIRE(talk.publish(message(0, 0, std::string(200, 'x'))));
  CHECK(talk.take() == sent(0, 0, std::string(200, 'x')));
}

TEST_CASE("to a MQTT 5 client a message has a property list") {
  Conversation talk;
  talk.open(connect_v5());
  REQUIRE(talk.publish(message(0)));
  CHECK(talk.take() == "30 05 00 01 74 00 6D");
  REQUIRE(talk.publish(message(1)));
  CHECK(talk.take() == "32 07 00 01 74 00 01 00 6D");
}

TEST_CASE("PUBACK completes QoS 1 [3.1.1 MQTT-4.3.2-1]") {
  Conversation talk;
  talk.open(connect_v311());
  REQUIRE(talk.publish(message(1, 41)));
  REQUIRE(talk.publish(message(1, 42)));
  talk.take();
  CHECK(talk.feed(ack(0x40, 2)).empty());
  CHECK(talk.feed(ack(0x40, 1)).empty());
  CHECK(talk.feed(ack(0x40, 1)).empty());  // a second one answers nothing and harms nothing
  CHECK(talk.take_log() == Log{"delivered 42", "delivered 41"});
}

TEST_CASE("PUBREC, PUBREL and PUBCOMP complete QoS 2 [3.1.1 MQTT-4.3.3-1] [3.1.1 MQTT-3.5.4-1]") {
  Conversation talk;
  talk.open(connect_v311());
  REQUIRE(talk.publish(message(2, 7)));
  talk.take();
  CHECK(talk.feed(ack(0x50, 1)) == "62 02 00 01");
  CHECK(talk.feed(ack(0x50, 1)) == "62 02 00 01");
  CHECK(talk.take_log().empty());
  CHECK(talk.feed(ack(0x70, 1)).empty());
  CHECK(talk.take_log() == Log{"delivered 7"});
}

TEST_CASE("PUBREC of an unknown packet id is answered [MQTT-3.6.2-1]") {
  Conversation old;
  old.open(connect_v311());
  CHECK(old.feed(ack(0x50, 3)) == "62 02 00 03");
  Conversation v5;
  v5.open(connect_v5());
  CHECK(v5.feed(ack(0x50, 3)) == "62 03 00 03 92");
  CHECK(v5.feed(ack(0x70, 3)).empty());
  CHECK(v5.feed(ack(0x40, 3)).empty());
  CHECK_FALSE(v5.is_closed());
}

TEST_CASE("an acknowledgement of the wrong kind is a protocol error [3.1.1 MQTT-4.3.2-1] [3.1.1 MQTT-4.3.3-1]") {
  struct Row {
    std::uint8_t qos;
    unsigned first;
  };
  for (const Row& row : {Row{1, 0x50}, Row{1, 0x70}, Row{2, 0x40}, Row{2, 0x70}}) {
    CAPTURE(row.first);
    Conversation talk;
    talk.open(connect_v5());
    REQUIRE(talk.publish(message(row.qos, 5)));
    talk.take();
    CHECK(talk.feed(ack(row.first, 1)).substr(6, 2) == "82");
    CHECK(talk.take_log() == Log{"close protocol_error"});
  }
}

TEST_CASE("a failure code of the client ends the exchange as refused [MQTT-4.3.3-4]") {
  Conversation talk;
  talk.open(connect_v5());
  REQUIRE(talk.publish(message(1, 1)));
  REQUIRE(talk.publish(message(2, 2)));
  REQUIRE(talk.publish(message(2, 3)));
  talk.take();
  CHECK(talk.feed(hex("40 03 00 01 87")).empty());
  CHECK(talk.feed(hex("50 03 00 02 97")).empty());
  CHECK(talk.feed(hex("50 04 00 03 10 00")) == "62 02 00 03");
  CHECK(talk.feed(hex("70 03 00 03 92")).empty());
  CHECK(talk.take_log() == Log{"refused 1 not_authorized", "refused 2 quota_exceeded", "delivered 3"});
}

TEST_CASE("no more than the receive maximum is in flight, the rest waits in order [MQTT-3.3.4-9] [MQTT-4.9.0-1]") {
  Conversation talk;
  talk.open(connect_v5(hex("21 00 02")));
  for (unsigned i = 1; i <= 5; ++i) REQUIRE(talk.publish(message(i % 2 == 0 ? 2 : 1, i, std::to_string(i))));
  const auto v5 = [](unsigned qos, unsigned id, std::string_view payload) {
    return to_hex(publish_v5(qos << 1, "t", id, "", payload));
  };
  CHECK(talk.take() == v5(1, 1, "1") + " " + v5(2, 2, "2"));
  REQUIRE(talk.publish(message(0, 0, "now")));  // QoS 0 has no window [MQTT-4.9.0-2]
  CHECK(talk.take() == v5(0, 0, "now"));
  CHECK(talk.feed(ack(0x40, 1)) == v5(1, 3, "3"));
  CHECK(talk.feed(ack(0x50, 2)) == "62 02 00 02");  // still in flight until PUBCOMP
  CHECK(talk.feed(ack(0x70, 2)) == v5(2, 4, "4"));
  CHECK(talk.feed(hex("50 03 00 04 80")) == v5(1, 5, "5"));
  CHECK(talk.feed(ack(0x40, 3) + ack(0x40, 5)).empty());
  CHECK(talk.take_log() ==
        Log{"delivered 1", "delivered 2", "refused 4 unspecified_error", "delivered 3", "delivered 5"});
}

TEST_CASE("the window and the queue are bounded by the limits") {
  ServerLimits limits;
  limits.max_outbound_inflight = 2;
  limits.max_outbound_queued = 3;
  Conversation talk({}, limits);
  talk.open(connect_v311());
  for (unsigned i = 0; i < 5; ++i) CHECK(talk.publish(message(1, i + 1)));
  CHECK_FALSE(talk.publish(message(1, 6)));
  CHECK(talk.publish(message(0)));
  CHECK(talk.take() == sent(1, 1) + " " + sent(1, 2) + " " + sent(0, 0));
  CHECK(talk.feed(ack(0x40, 1)) == sent(1, 3));
  CHECK(talk.publish(message(1, 7)));
  CHECK_FALSE(talk.publish(message(1, 8)));
}

TEST_CASE("packet ids wrap around without 0 and without those in flight [3.1.1 MQTT-2.3.1-1] [3.1.1 MQTT-2.3.1-4]") {
  Conversation talk;
  talk.open(connect_v311());
  REQUIRE(talk.publish(message(1, 1)));  // id 1 stays in flight
  talk.take();
  for (unsigned id = 2; id <= 65535; ++id) {
    if (!talk.publish(message(1))) FAIL("refused at " << id);
    if (id > 65530 || id % 8000 == 0) CHECK(talk.take() == sent(1, id));
    talk.act([&](Side& side) { side.machine.feed(ack(0x40, id), side.out), side.out.clear(); });
  }
  REQUIRE(talk.publish(message(1)));
  CHECK(talk.take() == sent(1, 2));
}

TEST_CASE("a message over the client's maximum packet size is dropped [MQTT-3.1.2-24] [MQTT-3.1.2-25]") {
  Conversation talk;
  talk.open(connect_v5(hex("27 00 00 00 28")));
  for (const std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{1}}) {
    const std::size_t room = 40 - 2 - 3 - 1 - (qos == 0 ? 0 : 2);
    CHECK(talk.publish(message(qos, 1, std::string(room, 'x'))));
    CHECK(talk.take().size() == 40 * 3 - 1);
    CHECK_FALSE(talk.publish(message(qos, 1, std::string(room + 1, 'x'))));
    CHECK(talk.take().empty());
  }
}

TEST_CASE("what MQTT cannot carry is not sent [3.1.1 MQTT-3.3.2-2]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK_FALSE(talk.publish({.topic = "", .payload = "m"}));
  CHECK_FALSE(talk.publish({.topic = "a/#", .payload = "m"}));
  CHECK_FALSE(talk.publish({.topic = "\xFF", .payload = "m"}));
  CHECK_FALSE(talk.publish({.topic = "t", .payload = "m", .qos = 3}));
  CHECK_FALSE(talk.publish({.topic = "t", .payload = std::string(268'435'455, 'x')}));
  CHECK(talk.take().empty());
}

TEST_CASE("nothing is sent before CONNACK and after the end") {
  Policy policy;
  policy.connect = [](Side&, const ConnectView&) {};
  Conversation talk(policy);
  CHECK_FALSE(talk.publish(message(0)));
  talk.feed(connect_v311());
  CHECK_FALSE(talk.publish(message(0)));
  talk.act([](Side& side) { side.machine.accept({}, side.out); });
  CHECK(talk.publish(message(0)));
  talk.act([](Side& side) { side.machine.connection_lost(); });
  CHECK_FALSE(talk.publish(message(0)));
}

TEST_SUITE_END();
