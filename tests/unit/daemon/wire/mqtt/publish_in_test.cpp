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

TEST_CASE("QoS 0 is delivered and not answered [3.1.1 MQTT-4.3.1-1]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.feed(publish(0, "/p/d/event/e", 0, "{}")).empty());
  CHECK(talk.feed(publish(0, "t", 0, "")).empty());  // a payload may be empty
  CHECK(talk.take_log() == Log{"publish /p/d/event/e q0 {}", "publish t q0 "});
}

TEST_CASE(
    "QoS 1 is answered with PUBACK of its packet id, each time [3.1.1 MQTT-3.3.4-1] [3.1.1 MQTT-4.3.2-2] [3.1.1 "
    "MQTT-2.3.1-6]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.feed(publish(2, "t", 0x1234, "a")) == "40 02 12 34");
  CHECK(talk.feed(publish(0xA, "t", 0x1234, "a")) == "40 02 12 34");
  CHECK(talk.take_log() == Log{"publish t q1 a", "publish t q1d a"});
}

TEST_CASE("messages are handed over and answered in their order [3.1.1 MQTT-4.6.0-2] [3.1.1 MQTT-4.6.0-3]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.feed(publish(2, "a", 3, "1") + publish(4, "b", 1, "2") + publish(0, "c", 0, "3") +
                  publish(2, "a", 2, "4")) == "40 02 00 03 50 02 00 01 40 02 00 02");
  CHECK(talk.take_log() == Log{"publish a q1 1", "publish b q2 2", "publish c q0 3", "publish a q1 4"});
}

TEST_CASE("QoS 2 is delivered once until PUBREL [3.1.1 MQTT-4.3.3-2] [3.1.1 MQTT-3.6.4-1]") {
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

TEST_CASE("PUBREL of an unknown packet id is answered [3.1.1 MQTT-3.6.4-1] [MQTT-3.7.2-1]") {
  Conversation old;
  old.open(connect_v311());
  CHECK(old.feed(ack(0x62, 5)) == "70 02 00 05");
  Conversation v5;
  v5.open(connect_v5());
  CHECK(v5.feed(ack(0x62, 5)) == "70 03 00 05 92");
  CHECK(v5.feed(hex("62 03 00 05 92")) == "70 03 00 05 92");
  CHECK_FALSE(v5.is_closed());
}

TEST_CASE("QoS 2 messages without PUBREL are bounded [MQTT-3.3.4-8]") {
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

TEST_CASE("a failure is told to a MQTT 5 client and hidden from an older one [MQTT-3.4.2-1] [MQTT-3.5.2-1]") {
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

TEST_CASE("a PUBREC with a failure ends the exchange [MQTT-4.3.3-11]") {
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

TEST_CASE("a retained PUBLISH is handed over with its flag [MQTT-3.3.1-5] [MQTT-3.3.1-8]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.feed(publish(3, "t", 1, "x")) == "40 02 00 01");
  CHECK(talk.feed(publish(2, "t", 2, "x")) == "40 02 00 02");
  CHECK(talk.take_log() == Log{"publish t q1r x", "publish t q1 x"});
  Conversation v5;
  v5.open(connect_v5());
  CHECK(v5.feed(publish_v5(1, "t", 0, "", "")).empty());
  CHECK(v5.take_log() == Log{"publish t q0r "});
}

TEST_CASE(
    "what a server forwards unchanged comes encoded, in the order of the packet "
    "[MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20]") {
  const std::string format = hex("01 01");
  const std::string type = u8(0x03) + str("json");
  const std::string reply = u8(0x08) + str("r/t");
  const std::string correlation = u8(0x09) + str(std::string("\0\xFF", 2));
  const std::string user =
      u8(0x26) + str("b") + str("2") + u8(0x26) + str("a") + str("1") + u8(0x26) + str("b") + str("2");
  const std::string expiry = u8(0x02) + u32(90);
  const std::string alias = hex("23 00 01");
  struct Row {
    std::string list, forwarded;
  };
  const Row rows[] = {
      {"", ""},
      {expiry, ""},
      {alias + expiry, ""},
      {format + type + reply + correlation + user, format + type + reply + correlation + user},
      {expiry + user, user},
      {user + alias, user},
      {user + expiry + format + alias + type, user + format + type},
  };
  for (const Row& row : rows) {
    CAPTURE(to_hex(row.list));
    Policy policy;
    policy.publish = [&](Side&, const PublishView& view) {
      CHECK(to_hex(view.properties) == to_hex(row.forwarded));
      CHECK(view.message_expiry.has_value() == (row.list.find(expiry) != std::string::npos));
      return ReasonCode::success;
    };
    Conversation talk(policy);
    talk.open(connect_v5());
    talk.feed(publish_v5(0, "t", 0, row.list, "x") + publish_v5(0, "t", 0, row.list, "y"));
    CHECK(talk.take_log() == Log{"publish t q0 x", "publish t q0 y"});
  }
}

TEST_CASE("a QoS 2 exchange is reported while it is held [MQTT-4.3.3-10] [MQTT-4.3.3-11] [MQTT-4.3.3-12]") {
  Policy policy;
  policy.detailed = true;
  policy.publish = [](Side&, const PublishView& view) {
    return view.payload == "no" ? ReasonCode::not_authorized : ReasonCode::success;
  };
  Conversation v5(policy);
  v5.open(connect_v5());
  v5.feed(publish_v5(4, "t", 2, "", "m") + publish_v5(0xC, "t", 2, "", "m") + ack(0x62, 2) + ack(0x62, 2));
  CHECK(v5.take_log() == Log{"held 2", "publish t q2 m", "released 2"});
  v5.feed(publish_v5(4, "t", 3, "", "no"));
  CHECK(v5.take_log() == Log{"held 3", "publish t q2 no", "released 3"});
  Conversation old(policy);  // an older client cannot be refused and goes on with PUBREL
  old.open(connect_v311());
  old.feed(publish(4, "t", 3, "no"));
  CHECK(old.take_log() == Log{"held 3", "publish t q2 no"});
  old.feed(ack(0x62, 3));
  CHECK(old.take_log() == Log{"released 3"});
}

TEST_CASE("a topic may begin with a byte order mark and is not changed [MQTT-1.5.4-3] [MQTT-4.7.3-4]") {
  Conversation talk;
  talk.open(connect_v5());
  talk.feed(publish_v5(0, "\xEF\xBB\xBF/A//e\xCC\x81", 0, "", "x"));
  CHECK(talk.take_log() == Log{"publish \xEF\xBB\xBF/A//e\xCC\x81 q0 x"});
}

TEST_CASE("every property of a PUBLISH is handed over [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-18]") {
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

TEST_CASE("a topic alias stands for its topic until it is set anew [MQTT-3.3.2-7] [MQTT-3.3.2-11] [MQTT-3.3.2-12]") {
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
