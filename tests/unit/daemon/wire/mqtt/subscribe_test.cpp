// SUBSCRIBE, UNSUBSCRIBE and what they grant.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

TEST_CASE(
    "SUBACK has the packet id and one code per filter, in order [3.1.1 MQTT-3.8.4-1] [3.1.1 MQTT-3.8.4-2] [3.1.1 "
    "MQTT-3.8.4-5]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.feed(subscribe(10, {{"a/+", 1}, {"b/#", 2}, {"c", 0}})) == "90 05 00 0A 01 02 00");
  CHECK(talk.take_log() == Log{"subscribe a/+ q1", "subscribe b/# q2", "subscribe c q0"});
  Conversation v5;
  v5.open(connect_v5());
  CHECK(v5.feed(subscribe(10, {{"a/+", 1}, {"b/#", 2}, {"c", 0}}, "")) == "90 06 00 0A 00 01 02 00");
}

TEST_CASE("the highest granted QoS of the matching filters counts [3.1.1 MQTT-3.3.5-1]") {
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.machine().granted_qos("a/b") == -1);
  talk.feed(subscribe(1, {{"a/#", 2}, {"a/+", 0}, {"a/b/c", 1}}));
  CHECK(talk.machine().granted_qos("a/b") == 2);
  CHECK(talk.machine().granted_qos("a") == 2);
  CHECK(talk.machine().granted_qos("b") == -1);
  talk.feed(unsubscribe(2, {"a/#"}));
  CHECK(talk.machine().granted_qos("a/b") == 0);
  CHECK(talk.machine().granted_qos("a/b/c") == 1);
}

TEST_CASE("a subscription to the same filter replaces the old one [3.1.1 MQTT-3.8.4-3]") {
  ServerLimits limits;
  limits.max_subscriptions = 1;
  Conversation talk({}, limits);
  talk.open(connect_v311());
  CHECK(talk.feed(subscribe(1, {{"a", 2}})) == "90 03 00 01 02");
  CHECK(talk.feed(subscribe(2, {{"a", 0}})) == "90 03 00 02 00");
  CHECK(talk.machine().granted_qos("a") == 0);
}

TEST_CASE("the owner may grant less and never more than was asked [3.1.1 MQTT-3.8.4-6]") {
  Policy policy;
  policy.subscribe = [](Side&, std::string_view filter, const SubscribeOptions&) {
    return filter == "less" ? ReasonCode::success : ReasonCode::granted_qos2;
  };
  Conversation talk(policy);
  talk.open(connect_v311());
  CHECK(talk.feed(subscribe(1, {{"less", 2}, {"more", 1}})) == "90 04 00 01 00 01");
  CHECK(talk.machine().granted_qos("less") == 0);
  CHECK(talk.machine().granted_qos("more") == 1);
}

TEST_CASE("a refused filter gets its code and is not subscribed [3.1.1 MQTT-3.9.3-2] [MQTT-3.9.3-2]") {
  struct Row {
    ReasonCode reason;
    const char* code;
  };
  for (const Row& row : {Row{ReasonCode::not_authorized, "87"}, Row{ReasonCode::topic_filter_invalid, "8F"},
                         Row{ReasonCode::quota_exceeded, "97"}, Row{ReasonCode::server_busy, "80"},
                         Row{ReasonCode::no_matching_subscribers, "80"}}) {
    Policy policy;
    policy.subscribe = [&](Side&, std::string_view filter, const SubscribeOptions&) {
      return filter == "no" ? row.reason : ReasonCode::success;
    };
    Conversation v5(policy);
    v5.open(connect_v5());
    CHECK(v5.feed(subscribe(1, {{"yes", 0}, {"no", 0}}, "")) == std::string("90 05 00 01 00 00 ") + row.code);
    CHECK(v5.machine().granted_qos("no") == -1);
    CHECK(v5.machine().granted_qos("yes") == 0);
    Conversation old(policy);
    old.open(connect_v311());
    CHECK(old.feed(subscribe(1, {{"yes", 0}, {"no", 0}})) == "90 04 00 01 00 80");
  }
}

TEST_CASE("shared subscriptions are handed over in full [MQTT-4.8.2-1] [MQTT-4.8.2-2]") {
  Conversation v5;
  v5.open(connect_v5());
  CHECK(v5.feed(subscribe(1, {{"$share/g/a/#", 1}, {"$shared", 1}}, hex("0B 05"))) == "90 05 00 01 00 01 01");
  CHECK(v5.take_log() == Log{"subscribe $share/g/a/# q1", "subscribe $shared q1"});
  CHECK(v5.machine().granted_qos("a/b") == 1);
  CHECK(v5.publish({.topic = "a/b", .payload = "x"}));
  CHECK(v5.take() == to_hex(publish_v5(0, "a/b", 0, hex("0B 05"), "x")));
  CHECK(v5.feed(unsubscribe(2, {"$share/h/a/#", "$share/g/a/#"}, "")) == "B0 05 00 02 00 11 00");
  CHECK(v5.take_log() == Log{"unsubscribe $share/g/a/#"});
  Conversation old;
  old.open(connect_v311());
  // To an older client a wrong share is a filter that it may ask for and that is not granted.
  CHECK(old.feed(subscribe(1, {{"$share/g/a", 2}, {"$share/g", 1}, {"$share//a", 1}, {"$share", 1}})) ==
        "90 06 00 01 02 80 80 01");
  CHECK(old.take_log() == Log{"subscribe $share/g/a q2", "subscribe $share q1"});
}

TEST_CASE("the parts of a shared filter [MQTT-4.8.2-1] [MQTT-4.8.2-2]") {
  const auto parts = split_shared("$share/group/a/+/#");
  REQUIRE(parts.has_value());
  CHECK(parts->group == "group");
  CHECK(parts->filter == "a/+/#");
  CHECK(split_shared("$share/g//")->filter == "/");
  for (const char* wrong : {"a", "$share", "$share/", "$share/g", "$share/g/", "$share//a", "$share/+/a", "$share/a#/a",
                            "$share/g/a#", "$SHARE/g/a", "$shared/g/a"}) {
    CAPTURE(wrong);
    CHECK_FALSE(split_shared(wrong).has_value());
  }
}

TEST_CASE("the end of a SUBSCRIBE is told behind its SUBACK [MQTT-3.8.4-1]") {
  Policy policy;
  policy.detailed = true;
  policy.subscribed = [](Side& side) {
    const auto message = std::make_shared<const Message>(Message{.topic = "a", .payload = "kept", .retain = true});
    CHECK(side.machine.publish({.message = message, .retain = true}, side.out) == SendResult::sent);
  };
  Conversation talk(policy);
  talk.open(connect_v311());
  CHECK(talk.feed(subscribe(1, {{"a", 0}, {"b", 0}})) == "90 04 00 01 00 00 " + to_hex(publish(1, "a", 0, "kept")));
  CHECK(talk.take_log() == Log{"subscribe a q0", "subscribe b q0", "subscribed"});
}

TEST_CASE("the number of subscriptions is bounded") {
  ServerLimits limits;
  limits.max_subscriptions = 2;
  Conversation v5({}, limits);
  v5.open(connect_v5());
  CHECK(v5.feed(subscribe(1, {{"a", 0}, {"b", 0}, {"c", 0}, {"a", 1}}, "")) == "90 07 00 01 00 00 00 97 01");
  CHECK(v5.feed(unsubscribe(2, {"b"}, "")) == "B0 04 00 02 00 00");
  CHECK(v5.feed(subscribe(3, {{"c", 0}}, "")) == "90 04 00 03 00 00");
  Conversation old({}, limits);
  old.open(connect_v311());
  CHECK(old.feed(subscribe(1, {{"a", 0}, {"b", 0}, {"c", 0}})) == "90 05 00 01 00 00 80");
}

TEST_CASE("a filter over the limit is refused, not the connection") {
  Conversation v5;
  v5.open(connect_v5());
  CHECK(v5.feed(subscribe(1, {{std::string(1025, 'f'), 0}}, "")) == "90 04 00 01 00 8F");
  CHECK(v5.feed(subscribe(2, {{std::string(1024, 'f'), 0}}, "")) == "90 04 00 02 00 00");
}

TEST_CASE("nothing of a SUBSCRIBE is carried out when a part of it is malformed [3.1.1 MQTT-4.8.0-1]") {
  Conversation talk;
  talk.open(connect_v311());
  talk.feed(subscribe(1, {{"good", 0}, {"bad/#/x", 0}}));
  CHECK(talk.take_log() == Log{"close malformed_packet"});
  CHECK(talk.machine().granted_qos("good") == -1);
}

TEST_CASE("subscription options are handed over (MQTT 5 §3.8.3.1)") {
  Policy policy;
  policy.subscribe = [](Side&, std::string_view, const SubscribeOptions& options) {
    CHECK(options.qos == 1);
    CHECK(options.no_local);
    CHECK(options.retain_as_published);
    CHECK(options.retain_handling == 2);
    CHECK(options.subscription_id == 268'435'455);
    return ReasonCode::granted_qos1;
  };
  Conversation talk(policy);
  talk.open(connect_v5());
  CHECK(talk.feed(subscribe(1, {{"a", 0x2D}}, hex("0B FF FF FF 7F"))) == "90 04 00 01 00 01");
}

TEST_CASE("a message carries the identifiers of all subscriptions that match it [MQTT-3.3.4-3] [MQTT-3.3.4-4]") {
  ServerLimits limits;
  limits.max_outbound_inflight = 1;
  Conversation talk({}, limits);
  talk.open(connect_v5());
  talk.feed(subscribe(1, {{"a/+", 1}}, hex("0B 07")));
  talk.feed(subscribe(2, {{"a/#", 1}}, hex("0B 80 01")));
  talk.feed(subscribe(3, {{"a/b", 1}}, ""));
  talk.feed(subscribe(4, {{"z", 1}}, hex("0B 09")));
  const auto send = [](Side& side) {
    CHECK(side.machine.publish({.topic = "a/b", .payload = "x", .qos = 1}, side.out));
    CHECK(side.machine.publish({.topic = "a/b", .payload = "y", .qos = 1}, side.out));
    CHECK(side.machine.publish({.topic = "q", .payload = "", .qos = 0}, side.out));
  };
  const std::string ids = hex("0B 07 0B 80 01");
  CHECK(talk.act(send) == to_hex(publish_v5(2, "a/b", 1, ids, "x") + publish_v5(0, "q", 0, "", "")));
  CHECK(talk.feed(ack(0x40, 1)) == to_hex(publish_v5(2, "a/b", 2, ids, "y")));  // also when it had to wait
}

TEST_CASE("UNSUBACK answers every UNSUBSCRIBE [3.1.1 MQTT-3.10.4-4] [3.1.1 MQTT-3.10.4-5] [MQTT-3.11.3-1]") {
  Conversation old;
  old.open(connect_v311());
  old.feed(subscribe(1, {{"a", 0}, {"b", 0}}));
  old.take_log();
  CHECK(old.feed(unsubscribe(2, {"b", "never", "a/b"})) == "B0 02 00 02");
  CHECK(old.take_log() == Log{"unsubscribe b"});
  CHECK(old.machine().granted_qos("a") == 0);
  CHECK(old.machine().granted_qos("b") == -1);
  Conversation v5;
  v5.open(connect_v5());
  v5.feed(subscribe(1, {{"a", 0}, {"b", 0}}, ""));
  CHECK(v5.feed(unsubscribe(2, {"b", "never", "b", "a"}, "")) == "B0 07 00 02 00 00 11 11 00");
}

TEST_CASE("filters are compared character by character when unsubscribing [3.1.1 MQTT-3.10.4-1]") {
  Conversation talk;
  talk.open(connect_v311());
  talk.feed(subscribe(1, {{"a/+", 0}}));
  talk.take_log();
  talk.feed(unsubscribe(2, {"a/b"}) + unsubscribe(3, {"a/#"}) + unsubscribe(4, {"A/+"}));
  CHECK(talk.take_log().empty());
  CHECK(talk.machine().granted_qos("a/x") == 0);
}

TEST_CASE("an answer over the client's maximum packet size ends the connection [MQTT-3.1.2-24]") {
  Conversation talk;
  talk.open(connect_v5(hex("27 00 00 00 28")));
  std::string body = u16(1) + props("");
  for (int i = 0; i < 36; ++i) body += str("a") + u8(0);
  CHECK(talk.feed(packet(0x82, body)) == "E0 02 95 00");
  CHECK(talk.last() == "close packet_too_large");
}

TEST_SUITE_END();
