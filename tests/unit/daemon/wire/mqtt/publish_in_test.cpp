// PUBLISH from the client, and what acknowledges it.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

namespace {
Policy answering(ReasonCode reason) {
  Policy policy;
  policy.publish = [reason](Side&, const PublishView&) { return reason; };
  return policy;
}
}  // namespace

TEST_CASE("QoS 0 is delivered and not answered [MQTT-4.3.1-1]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.feed(publish(0, "/p/d/event/e", 0, "{}")).empty());
  CHECK(talk.feed(publish(0, "t", 0, "")).empty());  // a payload may be empty
  CHECK(talk.take_log() == Log{"publish /p/d/event/e q0 {}", "publish t q0 "});
}

TEST_CASE("QoS 1 is answered with PUBACK of its packet id, each time [MQTT-3.3.4-1] [MQTT-4.3.2-2] [MQTT-2.3.1-6]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.feed(publish(2, "t", 0x1234, "a")) == "40 02 12 34");
  CHECK(talk.feed(publish(0xA, "t", 0x1234, "a")) == "40 02 12 34");
  CHECK(talk.take_log() == Log{"publish t q1 a", "publish t q1d a"});
}

TEST_CASE("messages are handed over and answered in their order [MQTT-4.6.0-2] [MQTT-4.6.0-3]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.feed(publish(2, "a", 3, "1") + publish(4, "b", 1, "2") + publish(0, "c", 0, "3") +
                  publish(2, "a", 2, "4")) == "40 02 00 03 50 02 00 01 40 02 00 02");
  CHECK(talk.take_log() == Log{"publish a q1 1", "publish b q2 2", "publish c q0 3", "publish a q1 4"});
}

TEST_CASE("QoS 2 is delivered once until PUBREL [MQTT-4.3.3-2] [MQTT-3.6.4-1]") {
  for (const bool v5 : {false, true}) {
    Conversation talk;
    talk.open(v5 ? connect_v5() : connect_v311());
    const auto message = [&](unsigned flags) {
      return v5 ? publish_v5(flags, "t", 9, "", "m") : publish(flags, "t", 9, "m");
    };
    CHECK(talk.feed(message(4)) == "50 02 00 09");
    CHECK(talk.feed(message(0xC)) == "50 02 00 09");
    CHECK(talk.feed(message(4)) == "50 02 00 09");
    CHECK(talk.take_log() == Log{"publish t q2 m"});
    CHECK(talk.feed(ack(0x62, 9)) == "70 02 00 09");
    CHECK(talk.feed(message(4)) == "50 02 00 09");  // a new message with a used id
    CHECK(talk.take_log() == Log{"publish t q2 m"});
  }
}

TEST_CASE("PUBREL of an unknown packet id is answered [MQTT-3.6.4-1] [MQTT5-3.7.2-1]") {
  Conversation old;
  old.open(connect_v311());
  CHECK(old.feed(ack(0x62, 5)) == "70 02 00 05");
  Conversation v5;
  v5.open(connect_v5());
  CHECK(v5.feed(ack(0x62, 5)) == "70 03 00 05 92");
  CHECK(v5.feed(hex("62 03 00 05 92")) == "70 03 00 05 92");
  CHECK_FALSE(v5.is_closed());
}

TEST_CASE("QoS 2 messages without PUBREL are bounded [MQTT5-3.3.4-8]") {
  ServerLimits limits;
  limits.max_inbound_qos2 = 2;
  for (const bool v5 : {false, true}) {
    Conversation talk({}, limits);
    talk.open(v5 ? connect_v5() : connect_v311());
    const auto message = [&](unsigned id) { return v5 ? publish_v5(4, "t", id, "", "") : publish(4, "t", id, ""); };
    talk.feed(message(1) + message(2));
    talk.feed(ack(0x62, 1));
    CHECK(talk.feed(message(3)) == "50 02 00 03");
    const std::string answer = talk.feed(message(4));
    CHECK((v5 ? answer.substr(6, 2) == "93" : answer.empty()));
    CHECK(talk.last() == "close protocol_error");
  }
}

TEST_CASE("a failure is told to a MQTT 5 client and hidden from an older one [MQTT5-3.4.2-1] [MQTT5-3.5.2-1]") {
  struct Row {
    ReasonCode reason;
    const char* code;  // empty: a plain acknowledgement
  };
  for (const Row& row : {Row{ReasonCode::success, ""}, Row{ReasonCode::no_matching_subscribers, "10"},
                         Row{ReasonCode::not_authorized, "87"}, Row{ReasonCode::topic_name_invalid, "90"},
                         Row{ReasonCode::quota_exceeded, "97"}, Row{ReasonCode::payload_format_invalid, "99"},
                         Row{ReasonCode::server_busy, "80"}, Row{ReasonCode::granted_qos1, ""}}) {
    CAPTURE(row.code);
    const std::string code = row.code;
    Conversation v5(answering(row.reason));
    v5.open(connect_v5());
    CHECK(v5.feed(publish_v5(2, "t", 1, "", "")) == (code.empty() ? "40 02 00 01" : "40 03 00 01 " + code));
    CHECK(v5.feed(publish_v5(4, "t", 2, "", "")) == (code.empty() ? "50 02 00 02" : "50 03 00 02 " + code));
    CHECK(v5.feed(publish_v5(0, "t", 0, "", "")).empty());
    Conversation old(answering(row.reason));
    old.open(connect_v311());
    CHECK(old.feed(publish(2, "t", 1, "")) == "40 02 00 01");
    CHECK(old.feed(publish(4, "t", 2, "") + ack(0x62, 2)) == "50 02 00 02 70 02 00 02");
  }
}

TEST_CASE("a PUBREC with a failure ends the exchange [MQTT5-4.3.3-11]") {
  Conversation v5(answering(ReasonCode::not_authorized));
  v5.open(connect_v5());
  const std::string message = publish_v5(4, "t", 2, "", "m");
  CHECK(v5.feed(message + message) == "50 03 00 02 87 50 03 00 02 87");
  CHECK(v5.take_log() == Log{"publish t q2 m", "publish t q2 m"});
  CHECK(v5.feed(ack(0x62, 2)) == "70 03 00 02 92");
  Conversation old(answering(ReasonCode::not_authorized));  // an older client goes on with PUBREL
  old.open(connect_v311());
  old.feed(publish(4, "t", 2, "m") + publish(0xC, "t", 2, "m"));
  CHECK(old.take_log() == Log{"publish t q2 m"});
}

TEST_CASE("a retained PUBLISH of an older client is handed over with its flag") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.feed(publish(3, "t", 1, "x")) == "40 02 00 01");
  CHECK(talk.take_log() == Log{"publish t q1r x"});
}

TEST_CASE("a retained PUBLISH of a MQTT 5 client ends the connection with 0x9A [MQTT5-3.2.2-14]") {
  Conversation talk;
  talk.open(connect({.level = 5, .will_topic = "w"}));
  CHECK(talk.feed(publish_v5(1, "t", 0, "", "x")).substr(6, 2) == "9A");
  CHECK(talk.take_log() == Log{"close protocol_error will"});
}

TEST_CASE("every property of a PUBLISH is handed over [MQTT5-3.3.2-4] [MQTT5-3.3.2-15] [MQTT5-3.3.2-18]") {
  Policy policy;
  policy.publish = [](Side&, const PublishView& view) {
    CHECK(view.message_expiry == 90);
    CHECK(view.payload_is_utf8);
    CHECK(view.content_type == "json");
    CHECK(view.response_topic == "r/t");
    CHECK(view.correlation_data == std::string_view("\0\xFF", 2));
    REQUIRE(view.user_properties != nullptr);
    CHECK(*view.user_properties == UserProperties{{"b", "2"}, {"a", "1"}, {"b", "2"}});
    CHECK(view.packet_id == 77);
    return ReasonCode::success;
  };
  Conversation talk(policy);
  talk.open(connect_v5());
  const std::string list = u8(0x26) + str("b") + str("2") + hex("01 01") + u8(0x02) + u32(90) + u8(0x03) + str("json") +
                           u8(0x26) + str("a") + str("1") + u8(0x08) + str("r/t") + u8(0x09) +
                           str(std::string("\0\xFF", 2)) + u8(0x26) + str("b") + str("2");
  CHECK(talk.feed(publish_v5(2, "t", 77, list, "{}")) == "40 02 00 4D");
  CHECK(talk.take_log() == Log{"publish t q1 {}"});
}

TEST_CASE("properties that are absent read as absent") {
  Policy policy;
  policy.publish = [](Side&, const PublishView& view) {
    CHECK_FALSE(view.message_expiry.has_value());
    CHECK_FALSE(view.payload_is_utf8);
    CHECK(view.content_type.empty());
    CHECK(view.user_properties == nullptr);
    return ReasonCode::success;
  };
  Conversation talk(policy);
  talk.open(connect_v5());
  talk.feed(publish_v5(0, "t", 0, "", "x"));
  CHECK(talk.take_log() == Log{"publish t q0 x"});
}

TEST_CASE("a topic alias stands for its topic until it is set anew [MQTT5-3.3.2-7] [MQTT5-3.3.2-11] [MQTT5-3.3.2-12]") {
  Conversation talk;
  talk.open(connect_v5());
  const auto alias = [](unsigned n) { return u8(0x23) + u16(n); };
  talk.feed(publish_v5(0, "first", 0, alias(1), "a"));
  talk.feed(publish_v5(0, "last", 0, alias(16), "b"));
  talk.feed(publish_v5(0, "", 0, alias(1), "c"));
  talk.feed(publish_v5(2, "", 5, alias(16), "d"));
  talk.feed(publish_v5(0, "other", 0, alias(1), "e"));
  talk.feed(publish_v5(0, "", 0, alias(1), "f"));
  CHECK(talk.take_log() == Log{"publish first q0 a", "publish last q0 b", "publish first q0 c", "publish last q1 d",
                               "publish other q0 e", "publish other q0 f"});
  CHECK(talk.feed(publish_v5(0, "", 0, alias(2), "g")).substr(6, 2) == "82");
}

TEST_CASE("user properties of a PUBLISH are bounded") {
  ServerLimits limits;
  limits.max_properties = 2;
  const std::string one = u8(0x26) + str("k") + str("v");
  Conversation talk({}, limits);
  talk.open(connect_v5());
  CHECK(talk.feed(publish_v5(0, "t", 0, one + one, "")).empty());
  CHECK(talk.feed(publish_v5(0, "t", 0, one + one + one, "")).substr(6, 2) == "97");
}

TEST_SUITE_END();
