// Sessions: what outlives a connection, what the next one sends again, and their life without a machine.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

namespace {
using Phase = OutboundExchange::Phase;
constexpr std::int64_t kNow = 1'700'000'000'000;

MessagePtr message(std::string payload, std::int64_t expires_at = 0) {
  return std::make_shared<const Message>(
      Message{.topic = "t", .payload = std::move(payload), .expires_at = expires_at});
}
Delivery delivery(std::uint8_t qos, std::uint64_t tag, std::string payload = "m", std::int64_t expires_at = 0) {
  return {.message = message(std::move(payload), expires_at), .qos = qos, .tag = tag};
}
std::string returning(unsigned level = 4, const std::string& properties = "") {
  return connect({.level = level, .clean = false, .properties = properties});
}
std::string sent(unsigned flags, unsigned id, std::string_view payload) {
  return to_hex(publish(flags, "t", id, payload));
}
std::string sent_v5(unsigned flags, unsigned id, std::string_view payload, std::string_view list = "") {
  return to_hex(publish_v5(flags, "t", id, list, payload));
}
void lose(Conversation& talk) {
  talk.act([](Side& side) { side.machine.connection_lost(); });
  talk.take_log();
}
std::string tail(const std::string& answer, const std::string& connack) {
  REQUIRE(answer.starts_with(connack));
  return answer.size() == connack.size() ? "" : answer.substr(connack.size() + 1);
}
std::string after_v5_connack(const std::string& answer) { return tail(answer, answer.substr(0, 16 * 3 - 1)); }
}  // namespace

TEST_CASE("the session keeps subscriptions and what is in flight both ways [MQTT-3.1.2-5] [3.1.1 MQTT-3.1.2-4]") {
  Conversation first;
  first.open(returning());
  first.feed(subscribe(1, {{"a/#", 1}}) + publish(4, "up", 9, "once"));
  CHECK(first.deliver(delivery(1, 1)) == SendResult::sent);
  lose(first);
  Conversation second;
  CHECK(second.resume(first, returning()) == "20 02 01 00 " + sent(0xA, 1, "m"));
  second.take_log();
  CHECK(second.machine().granted_qos("a/b") == 1);
  CHECK(second.feed(publish(0xC, "up", 9, "once")) == "50 02 00 09");  // not a second time [MQTT-4.3.3-10]
  CHECK(second.take_log().empty());
  CHECK(second.feed(ack(0x62, 9)) == "70 02 00 09");
  CHECK(second.feed(ack(0x40, 1)).empty());
  CHECK(second.take_log() == Log{"delivered 1"});
}

TEST_CASE(
    "unacknowledged messages are sent again with DUP, their packet ids and in their order "
    "[MQTT-4.4.0-1] [MQTT-3.3.1-1] [MQTT-3.3.1-3] [MQTT-4.6.0-1] [3.1.1 MQTT-4.4.0-1] [3.1.1 MQTT-4.6.0-1]") {
  Policy policy;
  policy.detailed = true;
  ServerLimits limits;
  limits.max_outbound_inflight = 5;
  Conversation first(policy, limits);
  first.open(returning());
  for (unsigned i = 1; i <= 6; ++i) {
    CHECK(first.deliver(delivery(i % 2 == 0 ? 2 : 1, i, std::to_string(i))) <= SendResult::queued);
  }
  first.take();
  // PUBREC for 4 before 2: their PUBRELs keep that order [MQTT-4.6.0-4]
  CHECK(first.feed(ack(0x50, 4) + ack(0x50, 2)) == "62 02 00 04 62 02 00 02");
  lose(first);
  Conversation second(policy, limits);
  const std::string answer = second.resume(first, returning());
  CHECK(answer ==
        "20 02 01 00 62 02 00 04 62 02 00 02 " + sent(0xA, 1, "1") + " " + sent(0xA, 3, "3") + " " + sent(0xA, 5, "5"));
  CHECK(second.take_log() == Log{"connect d1"});  // the packet ids are known already
  CHECK(second.feed(ack(0x70, 4)) == sent(4, 6, "6"));
  CHECK(second.take_log() == Log{"delivered 4", "sent 6 as 6 q2"});
  second.feed(ack(0x40, 1) + ack(0x40, 3) + ack(0x40, 5) + ack(0x70, 2));
  CHECK(second.take_log() == Log{"delivered 1", "delivered 3", "delivered 5", "delivered 2"});
}

TEST_CASE("nothing is sent again while the connection stands [MQTT-4.4.0-1]") {
  Conversation talk;
  talk.open(returning());
  CHECK(talk.deliver(delivery(1, 1)) == SendResult::sent);
  talk.take();
  talk.set_time(kNow + 3'600'000);
  CHECK(talk.feed(kPing + subscribe(1, {{"a", 0}})) == "D0 00 90 03 00 01 00");
}

TEST_CASE("sending again keeps to the receive maximum of the new connection [MQTT-3.3.4-9] [MQTT-4.9.0-1]") {
  Conversation first;
  first.open(returning(5, u8(0x11) + u32(100)));
  for (unsigned i = 1; i <= 4; ++i) CHECK(first.deliver(delivery(1, i, std::to_string(i))) == SendResult::sent);
  lose(first);
  Conversation second;
  CHECK(after_v5_connack(second.resume(first, returning(5, hex("21 00 02")))) ==
        sent_v5(0xA, 1, "1") + " " + sent_v5(0xA, 2, "2"));
  CHECK(second.deliver(delivery(1, 5, "5")) == SendResult::queued);
  CHECK(second.deliver(delivery(0, 0, "now")) == SendResult::sent);
  CHECK(second.take() == sent_v5(0, 0, "now"));
  CHECK(second.feed(ack(0x40, 1)) == sent_v5(0xA, 3, "3"));
  CHECK(second.feed(ack(0x40, 4)).empty());  // the client had it from before
  CHECK(second.feed(ack(0x40, 2)) == sent_v5(2, 5, "5"));
  lose(second);
  Conversation third;
  CHECK(after_v5_connack(third.resume(second, returning(5))) == sent_v5(0xA, 3, "3") + " " + sent_v5(0xA, 5, "5"));
}

TEST_CASE("what has been sent once does not expire any more [MQTT-4.3.3-7] [MQTT-4.3.2-3]") {
  Conversation first;
  first.open(returning(5));
  first.set_time(kNow);
  CHECK(first.deliver(delivery(2, 1, "a", kNow + 10'000)) == SendResult::sent);
  CHECK(first.deliver(delivery(1, 2, "b", kNow + 90'000)) == SendResult::sent);
  lose(first);
  Conversation second;
  second.set_time(kNow + 30'000);
  CHECK(after_v5_connack(second.resume(first, returning(5))) ==
        sent_v5(0xC, 1, "a", u8(2) + u32(0)) + " " + sent_v5(0xA, 2, "b", u8(2) + u32(60)));
}

TEST_CASE("a message that the client does not take any more is given up [MQTT-3.1.2-25]") {
  Conversation first;
  first.open(returning(5));
  CHECK(first.deliver(delivery(1, 1, std::string(100, 'x'))) == SendResult::sent);
  CHECK(first.deliver(delivery(1, 2, "small")) == SendResult::sent);
  lose(first);
  Conversation second;
  CHECK(after_v5_connack(second.resume(first, returning(5, hex("27 00 00 00 32")))) == sent_v5(0xA, 2, "small"));
  CHECK(second.take_log() == Log{"connect d1", "discarded 1"});
}

TEST_CASE("topic aliases end with their connection [MQTT-3.3.2-7]") {
  const auto what = std::make_shared<const Message>(Message{.topic = "long/topic/1", .payload = "m"});
  const std::string alias = hex("23 00 01");
  Conversation first;
  first.open(returning(5, hex("22 00 05")));
  CHECK(first.deliver({.message = what, .qos = 1}) == SendResult::sent);
  CHECK(first.deliver({.message = what, .qos = 1}) == SendResult::sent);
  CHECK(first.take() == to_hex(publish_v5(2, "long/topic/1", 1, alias, "m") + publish_v5(2, "", 2, alias, "m")));
  first.feed(publish_v5(0, "up/topic", 0, alias, "x"));
  lose(first);
  Conversation second;
  CHECK(after_v5_connack(second.resume(first, returning(5))) ==
        to_hex(publish_v5(0xA, "long/topic/1", 1, "", "m") + publish_v5(0xA, "long/topic/1", 2, "", "m")));
  CHECK(second.feed(publish_v5(0, "", 0, alias, "x")).substr(6, 2) == "82");
}

TEST_CASE("a session goes from one protocol version to another") {
  Conversation first;
  first.open(returning(5));
  Delivery what = delivery(1, 1);
  what.subscription_ids = hex("0B 05");
  CHECK(first.deliver(what) == SendResult::sent);
  lose(first);
  Conversation second;
  CHECK(second.resume(first, returning(4)) == "20 02 01 00 " + sent(0xA, 1, "m"));
  lose(second);
  Conversation third;
  CHECK(after_v5_connack(third.resume(second, returning(5))) == sent_v5(0xA, 1, "m", hex("0B 05")));
}

TEST_CASE("clean start ignores the session that is given [MQTT-3.1.2-4] [MQTT-3.2.2-2] [3.1.1 MQTT-3.1.2-6]") {
  Conversation first;
  first.open(returning());
  CHECK(first.deliver(delivery(1, 1)) == SendResult::sent);
  lose(first);
  Conversation second;
  CHECK(second.resume(first, connect_v311()) == "20 02 00 00");
  CHECK(second.machine().granted_qos("t") == -1);
}

TEST_CASE("a client left with open QoS 2 messages may use its whole receive maximum again [MQTT-4.9.0-1]") {
  ServerLimits limits;
  limits.max_inbound_qos2 = 2;
  Conversation first({}, limits);
  first.open(returning(5));
  first.feed(publish_v5(4, "t", 1, "", "") + publish_v5(4, "t", 2, "", ""));
  lose(first);
  Conversation second({}, limits);
  second.resume(first, returning(5));
  CHECK(second.feed(publish_v5(4, "t", 3, "", "") + publish_v5(4, "t", 4, "", "")) == "50 02 00 03 50 02 00 04");
  CHECK(second.feed(publish_v5(4, "t", 5, "", "")).substr(6, 2) == "93");
  Conversation third({}, limits);  // and no more, however often it comes back
  third.resume(second, returning(5));
  CHECK(third.feed(publish_v5(4, "t", 6, "", "")).substr(6, 2) == "93");
}

TEST_CASE("the session is there once the connection is closed, and only then [MQTT-4.1.0-1]") {
  Conversation talk;
  talk.open(returning());
  talk.feed(subscribe(1, {{"a", 1}}));
  CHECK(talk.machine().release_session() == nullptr);
  talk.feed(kDisconnect);
  const auto session = talk.machine().release_session();
  REQUIRE(session != nullptr);
  REQUIRE(session->subscriptions.size() == 1);
  CHECK(session->subscriptions.front().filter == "a");
  CHECK(talk.machine().release_session() == nullptr);
  Conversation idle;
  idle.open(returning());
  idle.feed(kDisconnect);
  CHECK(idle.machine().release_session() == nullptr);
}

TEST_CASE("how long the session is kept [MQTT-3.1.2-23] [MQTT-4.1.0-2] [3.1.1 MQTT-3.1.2-6]") {
  Conversation clean;
  clean.open(connect_v311());
  CHECK(clean.machine().session_expiry() == 0);
  CHECK(clean.machine().clean_start());
  Conversation kept;
  kept.open(returning());
  CHECK(kept.machine().session_expiry() == kNeverExpires);
  CHECK_FALSE(kept.machine().clean_start());
  for (const std::uint32_t changed : {0u, 500u, 0xFFFFFFFFu}) {
    Conversation v5;
    v5.open(connect_v5(u8(0x11) + u32(10)));
    CHECK(v5.machine().session_expiry() == 10);
    v5.feed(packet(0xE0, u8(0x04) + props(u8(0x11) + u32(changed))));
    CHECK(v5.take_log() == Log{"close client_disconnect"});
    CHECK(v5.machine().session_expiry() == changed);
  }
  Conversation ends;  // what was to end with the connection cannot be prolonged [MQTT-3.14.2-2]
  ends.open(connect_v5());
  CHECK(ends.feed(packet(0xE0, u8(0) + props(u8(0x11) + u32(5)))).substr(6, 2) == "82");
  CHECK(ends.machine().session_expiry() == 0);
}

TEST_CASE("a session that a CONNACK did not reach is not lost") {
  auto session = std::make_unique<SessionState>();
  CHECK(session->enqueue(delivery(1, 1), 5) == SendResult::queued);
  struct Quiet final : ServerEvents {
    void on_connect(const ConnectView&) override {}
    ReasonCode on_publish(const PublishView&) override { return ReasonCode::success; }
    ReasonCode on_subscribe(std::string_view, const SubscribeOptions&) override { return ReasonCode::success; }
    void on_unsubscribe(std::string_view) override {}
    void on_close(CloseCause, bool) override {}
  } quiet;
  std::string out;
  ServerMachine early(quiet, {});
  AcceptOptions options{.session_present = true, .session = std::move(session)};
  early.accept(std::move(options), out);  // nobody asked yet: the session stays where it is
  REQUIRE(options.session != nullptr);
  ServerMachine narrow(quiet, {});
  narrow.feed(returning(5, hex("27 00 00 00 0A")), out);
  narrow.accept(std::move(options), out);
  CHECK(narrow.state() == ServerMachine::State::closed);
  const auto back = narrow.release_session();
  REQUIRE(back != nullptr);
  CHECK(back->queue.size() == 1);
}

TEST_CASE("a session takes messages while its client is away [MQTT-4.5.0-1]") {
  SessionState away;
  CHECK(away.enqueue(delivery(1, 1, "1"), 3) == SendResult::queued);
  CHECK(away.enqueue(delivery(0, 2, "2"), 3) == SendResult::queued);
  CHECK(away.enqueue(delivery(2, 3, "3"), 3) == SendResult::queued);
  CHECK(away.enqueue(delivery(1, 4, "4"), 3) == SendResult::queue_full);
  Policy policy;
  policy.detailed = true;
  policy.connect = [&](Side& side, const ConnectView&) {
    side.machine.accept({.session_present = true, .session = std::make_unique<SessionState>(away)}, side.out);
  };
  ServerLimits limits;
  limits.max_outbound_inflight = 1;
  Conversation talk(policy, limits);
  CHECK(talk.feed(returning()) == "20 02 01 00 " + sent(0, 0, "2") + " " + sent(2, 1, "1"));
  CHECK(talk.take_log() == Log{"connect d1", "delivered 2", "sent 1 as 1 q1"});
  CHECK(talk.feed(ack(0x40, 1)) == sent(4, 2, "3"));
}

TEST_CASE("what waited for the client and expired meanwhile is discarded [MQTT-3.3.2-5]") {
  SessionState away;
  CHECK(away.enqueue(delivery(0, 7, "a", kNow + 1000), 9) == SendResult::queued);
  CHECK(away.enqueue(delivery(1, 8, "b", kNow + 1000), 9) == SendResult::queued);
  CHECK(away.enqueue(delivery(1, 9, "c"), 9) == SendResult::queued);
  Policy policy;
  policy.connect = [&](Side& side, const ConnectView&) {
    side.machine.accept({.session_present = true, .session = std::make_unique<SessionState>(away)}, side.out);
  };
  Conversation talk(policy);
  talk.set_time(kNow + 1000);
  CHECK(talk.feed(returning()) == "20 02 01 00 " + sent(2, 1, "c"));
  CHECK(talk.take_log() == Log{"connect d1", "discarded 7", "discarded 8"});
}

TEST_CASE("a QoS 2 message whose owner ended the connection counts as received [MQTT-4.3.3-10]") {
  Policy policy;
  policy.publish = [](Side& side, const PublishView&) {
    side.machine.connection_lost();
    return ReasonCode::success;
  };
  Conversation first(policy);
  first.open(returning());
  CHECK(first.feed(publish(4, "up", 9, "once")).empty());
  CHECK(first.take_log() == Log{"publish up q2 once", "close connection_lost"});
  Conversation second;
  second.resume(first, returning());
  CHECK(second.feed(publish(0xC, "up", 9, "once")) == "50 02 00 09");
  CHECK(second.take_log() == Log{"connect d1"});
}

TEST_CASE("an owner may end the connection while its session is resumed") {
  for (const std::uint8_t qos : {std::uint8_t{0}, std::uint8_t{1}}) {
    SessionState away;
    CHECK(away.add_outbound(delivery(1, 6, "again"), 5, Phase::await_puback));
    for (unsigned tag = 1; tag <= 2; ++tag) {
      CHECK(away.enqueue(delivery(qos, tag, "x", kNow), 9) == SendResult::queued);
    }
    struct Owner final : ServerEvents {
      explicit Owner(SessionState& state) : away(state) {}
      void on_connect(const ConnectView&) override {
        machine.accept({.session_present = true, .session = std::make_unique<SessionState>(away)}, out);
      }
      ReasonCode on_publish(const PublishView&) override { return ReasonCode::success; }
      ReasonCode on_subscribe(std::string_view, const SubscribeOptions&) override { return ReasonCode::success; }
      void on_unsubscribe(std::string_view) override {}
      void on_discarded(std::uint64_t) override {
        ++discarded;
        machine.connection_lost();
      }
      void on_close(CloseCause, bool) override { left = machine.release_session(); }
      SessionState& away;
      std::string out;
      std::unique_ptr<SessionState> left;
      int discarded = 0;
      ServerMachine machine{*this, {}};
    } owner(away);
    owner.machine.set_time(kNow);
    owner.machine.feed(returning() + kPing, owner.out);
    CHECK(owner.discarded == 1);
    REQUIRE(owner.left != nullptr);
    CHECK(owner.left->outbound.size() == 1);
    CHECK(owner.left->queue.size() == 1);  // the one that nothing was said about
  }
}

TEST_CASE("a session is rebuilt from records; what cannot be is refused") {
  SessionState state;
  CHECK(state.add_inbound(7));
  CHECK_FALSE(state.add_inbound(7));
  CHECK_FALSE(state.add_inbound(0));
  CHECK(state.add_outbound(delivery(1, 1, "a"), 10, Phase::await_puback));
  CHECK(state.add_outbound(delivery(2, 2, "b"), 11, Phase::await_pubrec));
  CHECK(state.add_outbound({.qos = 2, .tag = 3}, 12, Phase::await_pubcomp));
  CHECK_FALSE(state.add_outbound(delivery(1, 4), 0, Phase::await_puback));
  CHECK_FALSE(state.add_outbound(delivery(1, 4), 10, Phase::await_puback));
  CHECK_FALSE(state.add_outbound(delivery(2, 4), 13, Phase::await_puback));
  CHECK_FALSE(state.add_outbound(delivery(1, 4), 13, Phase::await_pubrec));
  CHECK_FALSE(state.add_outbound({.qos = 1}, 13, Phase::await_puback));
  state.last_packet_id = 9;
  Policy policy;
  policy.connect = [&](Side& side, const ConnectView&) {
    side.machine.accept({.session_present = true, .session = std::make_unique<SessionState>(state)}, side.out);
  };
  Conversation talk(policy);
  CHECK(talk.feed(returning()) == "20 02 01 00 62 02 00 0C " + sent(0xA, 10, "a") + " " + sent(0xC, 11, "b"));
  CHECK(talk.deliver(delivery(1, 5, "c")) == SendResult::sent);
  CHECK(talk.take() == sent(2, 13, "c"));  // the next that is free [MQTT-2.2.1-4]
  talk.take_log();
  CHECK(talk.feed(publish(0xC, "up", 7, "x") + ack(0x70, 12)) == "50 02 00 07");
  CHECK(talk.take_log() == Log{"delivered 3"});
}

TEST_CASE("the queue keeps its order over any pushes and pops") {
  OutboundQueue queue;
  unsigned next_in = 0;
  unsigned next_out = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 3 + round % 5; ++i) queue.push({.tag = ++next_in});
    for (int i = 0; i < 2 + round % 4; ++i) CHECK(queue.pop().tag == ++next_out);
    REQUIRE(queue.items().size() == next_in - next_out);
    CHECK(queue.items().front().tag == next_out + 1);
  }
  while (!queue.empty()) CHECK(queue.pop().tag == ++next_out);
  CHECK(next_out == next_in);
  queue.push(delivery(1, 1));
  queue.push(delivery(0, 2));
  queue.push(delivery(2, 3));
  queue.push(delivery(0, 4));
  CHECK(queue.pop().tag == 1);
  CHECK(queue.take_qos0()->tag == 2);
  CHECK(queue.take_qos0()->tag == 4);
  CHECK_FALSE(queue.take_qos0().has_value());
  REQUIRE(queue.size() == 1);
  CHECK(queue.pop().tag == 3);
}

TEST_SUITE_END();
