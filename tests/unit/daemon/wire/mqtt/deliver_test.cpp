// Deliveries to the client: results, properties, expiry, topic aliases, the steps of an exchange.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

namespace {
constexpr std::int64_t kNow = 1'700'000'000'000;

MessagePtr message(std::string payload = "m", std::int64_t expires_at = 0, std::string topic = "t") {
  return std::make_shared<const Message>(
      Message{.topic = std::move(topic), .payload = std::move(payload), .expires_at = expires_at});
}
Delivery delivery(std::uint8_t qos, std::uint64_t tag = 0, MessagePtr what = message()) {
  return {.message = std::move(what), .qos = qos, .tag = tag};
}
const std::string kExpiry = u8(0x02);
}  // namespace

TEST_CASE("a delivery is written with its own QoS and retain flag [MQTT-3.8.4-8] [MQTT-3.3.1-12] [MQTT-3.3.1-13]") {
  const auto kept = std::make_shared<const Message>(Message{.topic = "t", .payload = "m", .qos = 2, .retain = true});
  Conversation talk;
  talk.open(connect_v311());
  CHECK(talk.deliver({.message = kept}) == SendResult::sent);
  CHECK(talk.take() == to_hex(publish(0, "t", 0, "m")));
  CHECK(talk.deliver({.message = kept, .qos = 1, .retain = true}) == SendResult::sent);
  CHECK(talk.take() == to_hex(publish(3, "t", 1, "m")));
}

TEST_CASE(
    "what is forwarded unchanged, then the subscription identifiers "
    "[MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.4-3] [MQTT-3.3.4-4]") {
  const std::string list = u8(0x03) + str("json") + u8(0x26) + str("b") + str("2") + u8(0x26) + str("a") + str("1");
  const std::string ids = hex("0B 07 0B 80 01");
  const auto what = std::make_shared<const Message>(Message{.topic = "t", .payload = "m", .properties = list});
  Conversation v5;
  v5.open(connect_v5());
  for (const std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{1}}) {
    CHECK(v5.deliver({.message = what, .qos = qos, .subscription_ids = ids}) == SendResult::sent);
    CHECK(v5.take() == to_hex(publish_v5(unsigned{qos} << 1, "t", 1, list + ids, "m")));
  }
  Conversation old;
  old.open(connect_v311());
  CHECK(old.deliver({.message = what, .subscription_ids = ids}) == SendResult::sent);
  CHECK(old.take() == to_hex(publish(0, "t", 0, "m")));
}

TEST_CASE("the time that a message has left is told; one that has none is not sent [MQTT-3.3.2-5] [MQTT-3.3.2-6]") {
  struct Row {
    std::int64_t after;  // ms from now until it expires
    std::uint32_t told;  // 0: not sent
  };
  for (const Row& row : {Row{90'000, 90}, Row{89'999, 90}, Row{89'000, 89}, Row{1, 1}, Row{0, 0}, Row{-5000, 0}}) {
    CAPTURE(row.after);
    for (const std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{2}}) {
      Conversation v5;
      v5.open(connect_v5());
      v5.set_time(kNow);
      const Delivery what = delivery(qos, 0, message("m", kNow + row.after));
      CHECK(v5.deliver(what) == (row.told > 0 ? SendResult::sent : SendResult::expired));
      CHECK(v5.take() ==
            (row.told > 0 ? to_hex(publish_v5(unsigned{qos} << 1, "t", 1, kExpiry + u32(row.told), "m")) : ""));
      Conversation old;
      old.open(connect_v311());
      old.set_time(kNow);
      CHECK(old.deliver(what) == (row.told > 0 ? SendResult::sent : SendResult::expired));
    }
  }
}

TEST_CASE("a message that expires while it waits is discarded [MQTT-3.3.2-5]") {
  Conversation talk;
  talk.open(connect_v5(hex("21 00 01")));
  talk.set_time(kNow);
  CHECK(talk.deliver(delivery(1, 1)) == SendResult::sent);
  CHECK(talk.deliver(delivery(1, 2, message("old", kNow + 1000))) == SendResult::queued);
  CHECK(talk.deliver(delivery(1, 3, message("new", kNow + 9000))) == SendResult::queued);
  talk.take();
  talk.set_time(kNow + 3000);
  CHECK(talk.feed(ack(0x40, 1)) == to_hex(publish_v5(2, "t", 2, kExpiry + u32(6), "new")));
  CHECK(talk.take_log() == Log{"delivered 1", "discarded 2"});
}

TEST_CASE("a message that is larger than the client takes is not sent [MQTT-3.1.2-24] [MQTT-3.1.2-25]") {
  Conversation talk;
  talk.open(connect_v5(hex("27 00 00 00 28")));
  talk.set_time(kNow);
  for (const std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{1}}) {
    const std::size_t room = 40 - 2 - 3 - 1 - (qos == 0 ? 0 : 2);
    CHECK(talk.deliver(delivery(qos, 1, message(std::string(room, 'x')))) == SendResult::sent);
    CHECK(talk.take().size() == 40 * 3 - 1);
    CHECK(talk.deliver(delivery(qos, 1, message(std::string(room + 1, 'x')))) == SendResult::too_large);
    CHECK(talk.deliver(delivery(qos, 1, message(std::string(room, 'x'), kNow + 5000))) == SendResult::too_large);
    CHECK(talk.take().empty());
  }
  CHECK(talk.take_log().empty());
}

TEST_CASE("results where nothing can be taken") {
  Policy policy;
  policy.connect = [](Side&, const ConnectView&) {};
  ServerLimits limits;
  limits.max_outbound_inflight = 1;
  limits.max_outbound_queued = 1;
  Conversation talk(policy, limits);
  CHECK(talk.deliver(delivery(0)) == SendResult::closed);
  talk.feed(connect_v311());
  CHECK(talk.deliver(delivery(0)) == SendResult::closed);
  talk.act([](Side& side) { side.machine.accept({}, side.out); });
  CHECK(talk.deliver(delivery(2)) == SendResult::sent);
  CHECK(talk.deliver(delivery(1)) == SendResult::queued);
  CHECK(talk.deliver(delivery(1)) == SendResult::queue_full);
  CHECK(talk.deliver(delivery(0)) == SendResult::sent);
  talk.take();
  talk.act([](Side& side) { side.machine.connection_lost(); });
  CHECK(talk.deliver(delivery(0)) == SendResult::closed);
}

TEST_CASE("every step of an exchange is told [MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.3-1] [MQTT-4.3.3-4]") {
  Policy policy;
  policy.detailed = true;
  ServerLimits limits;
  limits.max_outbound_inflight = 2;
  Conversation talk(policy, limits);
  talk.open(connect_v5());
  CHECK(talk.deliver(delivery(1, 11)) == SendResult::sent);
  CHECK(talk.deliver(delivery(2, 12)) == SendResult::sent);
  CHECK(talk.deliver(delivery(2, 13)) == SendResult::queued);
  CHECK(talk.deliver(delivery(0, 14)) == SendResult::sent);  // QoS 0 has no exchange
  CHECK(talk.deliver(delivery(1, 0)) == SendResult::queued);
  CHECK(talk.take_log() == Log{"sent 11 as 1 q1", "sent 12 as 2 q2"});
  talk.feed(ack(0x40, 1));
  CHECK(talk.take_log() == Log{"delivered 11", "sent 13 as 3 q2"});
  talk.feed(ack(0x50, 2) + ack(0x50, 2) + ack(0x70, 2));
  CHECK(talk.take_log() == Log{"received 12", "delivered 12"});
  talk.feed(hex("50 03 00 03 97"));
  CHECK(talk.take_log() == Log{"refused 13 quota_exceeded"});
  talk.feed(ack(0x40, 4));
  CHECK(talk.take_log().empty());  // no tag, no news
}

TEST_CASE("PUBREL is not followed by another PUBLISH of the message [MQTT-4.3.3-5] [MQTT-4.3.3-6]") {
  Conversation talk;
  talk.open(connect_v5());
  CHECK(talk.deliver(delivery(2, 1)) == SendResult::sent);
  talk.take();
  CHECK(talk.feed(ack(0x50, 1)) == "62 02 00 01");
  Conversation again;
  CHECK(again
            .resume((talk.act([](Side& side) { side.machine.connection_lost(); }), talk),
                    connect({.level = 5, .clean = false}))
            .ends_with("62 02 00 01"));
}

TEST_CASE(
    "topics get aliases of the client's number, the first come keep theirs "
    "[MQTT-3.1.2-26] [MQTT-3.3.2-8] [MQTT-3.3.2-10] [MQTT-3.3.2-11]") {
  Conversation talk;
  talk.open(connect_v5(hex("22 00 02")));
  const auto send = [&](const std::string& topic) {
    CHECK(talk.deliver(delivery(0, 0, message("m", 0, topic))) == SendResult::sent);
    return talk.take();
  };
  const auto alias = [](unsigned n) { return u8(0x23) + u16(n); };
  CHECK(send("long/topic/1") == to_hex(publish_v5(0, "long/topic/1", 0, alias(1), "m")));
  CHECK(send("short/78") == to_hex(publish_v5(0, "short/78", 0, "", "m")));
  CHECK(send("long/topic/2") == to_hex(publish_v5(0, "long/topic/2", 0, alias(2), "m")));
  CHECK(send("long/topic/3") == to_hex(publish_v5(0, "long/topic/3", 0, "", "m")));
  CHECK(send("long/topic/1") == to_hex(publish_v5(0, "", 0, alias(1), "m")));
  CHECK(send("long/topic/2") == to_hex(publish_v5(0, "", 0, alias(2), "m")));
  CHECK(talk.publish({.topic = "long/topic/1", .payload = "v", .qos = 1}));  // views as well
  CHECK(talk.take() == to_hex(publish_v5(2, "", 1, alias(1), "v")));
}

TEST_CASE("at most sixteen aliases are used, and none where the client takes none [MQTT-3.1.2-27]") {
  for (const bool takes : {true, false}) {
    Conversation talk;
    talk.open(connect_v5(takes ? hex("22 FF FF") : ""));
    for (int round = 0; round < 2; ++round) {
      for (unsigned i = 1; i <= 20; ++i) {
        const std::string topic = "long/topic/" + std::to_string(i);
        CHECK(talk.deliver(delivery(0, 0, message("m", 0, topic))) == SendResult::sent);
        const bool aliased = takes && i <= 16;
        CHECK(talk.take() ==
              to_hex(publish_v5(0, aliased && round == 1 ? "" : topic, 0, aliased ? u8(0x23) + u16(i) : "", "m")));
      }
    }
  }
}

TEST_CASE("an alias does not make a message too large [MQTT-3.1.2-24]") {
  Conversation talk;
  talk.open(connect_v5(hex("22 00 05 27 00 00 00 28")));
  const std::string topic = "long/topic";
  const std::string most(40 - 2 - 2 - 10 - 1, 'x');
  CHECK(talk.deliver(delivery(0, 0, message(most, 0, topic))) == SendResult::sent);
  CHECK(talk.take() == to_hex(publish_v5(0, topic, 0, "", most)));
  CHECK(talk.deliver(delivery(0, 0, message("m", 0, topic))) == SendResult::sent);
  CHECK(talk.take() == to_hex(publish_v5(0, topic, 0, hex("23 00 01"), "m")));
  CHECK(talk.deliver(delivery(0, 0, message(most, 0, topic))) == SendResult::sent);
  CHECK(talk.take() == to_hex(publish_v5(0, "", 0, hex("23 00 01"), most)));
}

TEST_CASE("what the owner does inside on_sent keeps the order [MQTT-4.6.0-5] [MQTT-4.6.0-6]") {
  Policy policy;
  policy.sent = [](Side& side, std::uint64_t tag) {
    if (tag == 2) CHECK(side.machine.publish(delivery(1, 4, message("4")), side.out) == SendResult::queued);
    if (tag == 3) side.machine.connection_lost();
  };
  ServerLimits limits;
  limits.max_outbound_inflight = 2;
  Conversation talk(policy, limits);
  talk.open(connect_v311());
  for (unsigned tag = 0; tag < 4; ++tag) {
    CHECK(talk.deliver(delivery(1, tag == 0 ? 9 : tag, message(std::to_string(tag)))) <= SendResult::queued);
  }
  talk.take();
  CHECK(talk.feed(ack(0x40, 2)) == to_hex(publish(2, "t", 3, "2")));
  // The connection ended while number 3 was sent; number 4 is in the session that is left.
  CHECK(talk.feed(ack(0x40, 1) + ack(0x40, 3)) == to_hex(publish(2, "t", 4, "3")));
  CHECK(talk.is_closed());
  const auto session = talk.machine().release_session();
  REQUIRE(session != nullptr);
  REQUIRE(session->queue.size() == 1);
  CHECK(session->queue.items().front().message->payload == "4");
}

TEST_SUITE_END();
