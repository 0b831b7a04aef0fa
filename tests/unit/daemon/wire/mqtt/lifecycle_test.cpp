// How connections end, the will, and owners that act from inside events.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

namespace {
std::string with_will(unsigned level) { return connect({.level = level, .will_topic = "w", .will_payload = "gone"}); }
}  // namespace

TEST_CASE("DISCONNECT ends the connection and discards the will [3.1.1 MQTT-3.14.4-3] [3.1.1 MQTT-3.1.2-10]") {
  for (const unsigned level : {4u, 5u}) {
    Conversation talk;
    talk.open(with_will(level));
    REQUIRE(talk.machine().will() != nullptr);
    CHECK(talk.feed(kDisconnect + kPing).empty());
    CHECK(talk.take_log() == Log{"close client_disconnect"});
    CHECK(talk.machine().will() == nullptr);
    CHECK(talk.machine().close_detail().empty());
  }
}

TEST_CASE("DISCONNECT with another code than 0 publishes the will [MQTT-3.14.4-3] [MQTT-3.1.2-10]") {
  for (const unsigned code : {0x04u, 0x80u, 0x97u}) {
    Conversation talk;
    talk.open(with_will(5));
    talk.feed(packet(0xE0, u8(code)));
    CHECK(talk.take_log() == Log{"close client_disconnect will"});
    REQUIRE(talk.machine().will() != nullptr);
    CHECK(talk.machine().will()->payload == "gone");
  }
  Conversation normal;
  normal.open(with_will(5));
  normal.feed(packet(0xE0, u8(0) + props(u8(0x1F) + str("bye") + u8(0x26) + str("k") + str("v"))));
  CHECK(normal.take_log() == Log{"close client_disconnect"});
}

TEST_CASE("a session that may outlive the connection may be prolonged in DISCONNECT [MQTT-3.14.2-2]") {
  Conversation talk;
  talk.open(connect_v5(u8(0x11) + u32(10)));
  talk.feed(packet(0xE0, u8(0) + props(u8(0x11) + u32(500))));
  CHECK(talk.take_log() == Log{"close client_disconnect"});
}

TEST_CASE("a lost connection publishes the will [3.1.1 MQTT-3.1.2-8]") {
  Conversation talk;
  talk.open(with_will(4));
  CHECK(talk.act([](Side& side) { side.machine.connection_lost(); }).empty());
  CHECK(talk.take_log() == Log{"close connection_lost will"});
  CHECK(talk.machine().will()->topic == "w");
  talk.act([](Side& side) { side.machine.connection_lost(), side.machine.feed(kPing, side.out); });
  CHECK(talk.take_log().empty());  // the end comes once
}

TEST_CASE("a protocol error publishes the will [3.1.1 MQTT-3.1.2-8]") {
  Conversation talk;
  talk.open(with_will(4));
  talk.feed(hex("00 00"));
  CHECK(talk.take_log() == Log{"close malformed_packet will"});
}

TEST_CASE("a connection without will or without CONNACK has none to publish [3.1.1 MQTT-3.1.2-12]") {
  Conversation plain;
  plain.open(connect_v311());
  plain.act([](Side& side) { side.machine.connection_lost(); });
  CHECK(plain.take_log() == Log{"close connection_lost"});
  Policy policy;
  policy.connect = [](Side&, const ConnectView&) {};
  Conversation undecided(policy);
  undecided.feed(with_will(4));
  undecided.act([](Side& side) { side.machine.connection_lost(); });
  CHECK(undecided.take_log() == Log{"connect d1", "close connection_lost"});
  Conversation fresh;
  fresh.act([](Side& side) { side.machine.connection_lost(); });
  CHECK(fresh.take_log() == Log{"close connection_lost"});
}

TEST_CASE("the server's own end is told to a MQTT 5 client only [MQTT-3.14.0-1] [MQTT-3.14.2-1]") {
  struct Row {
    CloseCause cause;
    ReasonCode reason;
    const char* code;
  };
  for (const Row& row : {Row{CloseCause::taken_over, ReasonCode::session_taken_over, "8E"},
                         Row{CloseCause::keep_alive_timeout, ReasonCode::keep_alive_timeout, "8D"},
                         Row{CloseCause::server_shutdown, ReasonCode::server_shutting_down, "8B"},
                         Row{CloseCause::administrative, ReasonCode::administrative_action, "98"},
                         Row{CloseCause::slow_consumer, ReasonCode::quota_exceeded, "97"},
                         Row{CloseCause::storage_failure, ReasonCode::unspecified_error, "80"},
                         Row{CloseCause::server_shutdown, ReasonCode::server_unavailable, "8B"},
                         Row{CloseCause::administrative, ReasonCode::banned, "80"},
                         Row{CloseCause::administrative, ReasonCode::success, "00"}}) {
    CAPTURE(row.code);
    const auto end = [&](Side& side) { side.machine.close(row.cause, row.reason, side.out); };
    Conversation v5;
    v5.open(with_will(5));
    CHECK(v5.act(end) == std::string("E0 02 ") + row.code + " 00");
    CHECK(v5.take_log() == Log{"close " + std::string(to_string(row.cause)) + " will"});
    CHECK(v5.act(end).empty());
    CHECK(v5.take_log().empty());
    Conversation old;
    old.open(with_will(4));
    CHECK(old.act(end).empty());
    CHECK(old.take_log() == Log{"close " + std::string(to_string(row.cause)) + " will"});
  }
}

TEST_CASE("DISCONNECT may name another server, only with the codes for it [MQTT-3.14.2-4]") {
  const auto end = [](ReasonCode reason) {
    return [reason](Side& side) { side.machine.close(CloseCause::administrative, reason, side.out, "b.example:1883"); };
  };
  const std::string reference = u8(0x1C) + str("b.example:1883");
  for (const auto& [reason, code] :
       {std::pair{ReasonCode::use_another_server, 0x9Cu}, std::pair{ReasonCode::server_moved, 0x9Du}}) {
    Conversation talk;
    talk.open(connect_v5());
    CHECK(talk.act(end(reason)) == to_hex(packet(0xE0, u8(code) + props(reference))));
    Conversation waiting(Policy{.connect = [](Side&, const ConnectView&) {}});
    waiting.feed(connect_v5());
    CHECK(waiting.act(end(reason)) == to_hex(packet(0x20, u8(0) + u8(code) + props(reference))));
  }
  Conversation other;
  other.open(connect_v5());
  CHECK(other.act(end(ReasonCode::server_busy)) == "E0 02 89 00");
  Conversation old;
  old.open(connect_v311());
  CHECK(old.act(end(ReasonCode::server_moved)).empty());
}

TEST_CASE("after the server's DISCONNECT nothing more is sent or handled [MQTT-3.14.4-1]") {
  Conversation talk;
  talk.open(connect_v5());
  CHECK(talk.feed(hex("C4 00") + kPing + publish_v5(2, "t", 1, "", "x")).ends_with("77 72 6F 6E 67"));
  CHECK(talk.take_log() == Log{"close malformed_packet"});
  CHECK_FALSE(talk.publish({.topic = "t", .payload = ""}));
  CHECK(talk.feed(kPing).empty());
}

TEST_CASE("a client that waits for an answer gets a CONNACK at the end [MQTT-3.1.4-6]") {
  Policy policy;
  policy.connect = [](Side&, const ConnectView&) {};
  const auto end = [](ReasonCode reason) {
    return [reason](Side& side) { side.machine.close(CloseCause::server_shutdown, reason, side.out); };
  };
  Conversation v5(policy);
  v5.feed(connect_v5());
  CHECK(v5.act(end(ReasonCode::server_shutting_down)) == "20 03 00 88 00");
  CHECK(v5.take_log() == Log{"connect d1", "close server_shutdown"});
  Conversation old(policy);
  old.feed(connect_v311());
  CHECK(old.act(end(ReasonCode::server_shutting_down)) == "20 02 00 03");
  Conversation quiet(policy);
  quiet.feed(connect_v311());
  CHECK(quiet.act(end(ReasonCode::success)).empty());
  Conversation fresh(policy);  // nothing was asked yet
  CHECK(fresh.act(end(ReasonCode::server_shutting_down)).empty());
  CHECK(fresh.take_log() == Log{"close server_shutdown"});
}

TEST_CASE("the owner may publish from inside on_publish; the acknowledgement comes after it") {
  Policy policy;
  policy.publish = [](Side& side, const PublishView& view) {
    // The topic is a view of the input; it must stay whole while the machine works.
    CHECK(side.machine.publish({.topic = "reply", .payload = view.payload, .qos = 1, .tag = 3}, side.out));
    CHECK(view.topic == "ask");
    return ReasonCode::success;
  };
  Conversation talk(policy);
  talk.open(connect_v311());
  const std::string first = to_hex(publish(2, "reply", 1, "q")) + " 40 02 00 07";
  const std::string second = to_hex(publish(2, "reply", 2, "r")) + " 50 02 00 08";
  CHECK(talk.feed(publish(2, "ask", 7, "q") + publish(4, "ask", 8, "r")) == first + " " + second);
}

TEST_CASE("the owner may close from inside on_publish; the message is not acknowledged") {
  for (const unsigned flags : {0u, 2u, 4u}) {
    for (const bool v5 : {false, true}) {
      Policy policy;
      policy.publish = [](Side& side, const PublishView& view) {
        side.machine.close(CloseCause::storage_failure, ReasonCode::implementation_specific_error, side.out);
        CHECK(view.payload == "p");
        return ReasonCode::success;
      };
      Conversation talk(policy);
      talk.open(with_will(v5 ? 5 : 4));
      const std::string message = v5 ? publish_v5(flags, "t", 1, "", "p") : publish(flags, "t", 1, "p");
      CHECK(talk.feed(message + message + kPing) == (v5 ? "E0 02 83 00" : ""));
      CHECK(talk.take_log().size() == 2);
      CHECK(talk.is_closed());
    }
  }
}

TEST_CASE("the owner may end the connection from inside any event") {
  const auto lose = [](Side& side) { side.machine.connection_lost(); };
  SUBCASE("on_connect") {
    Policy policy;
    policy.connect = [&](Side& side, const ConnectView& view) {
      lose(side);
      CHECK(view.client_id == "d1");
      REQUIRE(view.will != nullptr);
      CHECK(view.will->topic == "w");
    };
    Conversation talk(policy);
    CHECK(talk.feed(with_will(4) + kPing).empty());
    CHECK(talk.take_log() == Log{"connect d1", "close connection_lost"});
  }
  SUBCASE("on_connect after accept") {
    Policy policy;
    policy.connect = [&](Side& side, const ConnectView&) {
      side.machine.accept({}, side.out);
      CHECK(side.machine.publish({.topic = "hello", .payload = ""}, side.out));
      side.machine.close(CloseCause::administrative, ReasonCode::administrative_action, side.out);
    };
    Conversation talk(policy);
    CHECK(talk.feed(connect_v311() + kPing) == "20 02 00 00 " + to_hex(publish(0, "hello", 0, "")));
    CHECK(talk.take_log() == Log{"connect d1", "close administrative"});
  }
  SUBCASE("on_subscribe") {
    Policy policy;
    policy.subscribe = [&](Side& side, std::string_view, const SubscribeOptions&) {
      lose(side);
      return ReasonCode::success;
    };
    Conversation talk(policy);
    talk.open(connect_v311());
    CHECK(talk.feed(subscribe(1, {{"a", 0}, {"b", 0}}) + kPing).empty());
    CHECK(talk.take_log() == Log{"subscribe a q0", "close connection_lost"});
  }
  SUBCASE("on_delivered") {
    Policy policy;
    policy.delivered = [&](Side& side, std::uint64_t) { lose(side); };
    Conversation talk(policy);
    talk.open(connect_v311());
    REQUIRE(talk.publish({.topic = "t", .payload = "", .qos = 1, .tag = 1}));
    talk.take();
    CHECK(talk.feed(ack(0x40, 1) + kPing).empty());
    CHECK(talk.take_log() == Log{"delivered 1", "close connection_lost"});
  }
  SUBCASE("accept after the decision, with input that waited") {
    Policy policy;
    policy.connect = [](Side&, const ConnectView&) {};
    policy.publish = [&](Side& side, const PublishView& view) {
      lose(side);
      CHECK(view.payload == "payload");
      return ReasonCode::success;
    };
    Conversation talk(policy);
    talk.feed(connect_v311() + publish(2, "t", 1, "payload") + publish(2, "t", 2, "payload"));
    CHECK(talk.act([](Side& side) { side.machine.accept({}, side.out); }) == "20 02 00 00");
    CHECK(talk.take_log() == Log{"connect d1", "publish t q1 payload", "close connection_lost"});
  }
}

TEST_CASE("the owner may publish from inside on_subscribe and on_delivered without breaking the order") {
  Policy policy;
  policy.subscribe = [](Side& side, std::string_view, const SubscribeOptions& options) {
    CHECK(side.machine.publish({.topic = "now", .payload = "", .qos = 0}, side.out));
    return static_cast<ReasonCode>(options.qos);
  };
  policy.delivered = [](Side& side, std::uint64_t tag) {
    if (tag < 10) CHECK(side.machine.publish({.topic = "t", .payload = "c", .qos = 1, .tag = tag + 10}, side.out));
  };
  ServerLimits limits;
  limits.max_outbound_inflight = 1;
  Conversation talk(policy, limits);
  talk.open(connect_v311());
  CHECK(talk.feed(subscribe(1, {{"a", 1}})) == to_hex(publish(0, "now", 0, "")) + " 90 03 00 01 01");
  REQUIRE(talk.publish({.topic = "t", .payload = "a", .qos = 1, .tag = 1}));
  REQUIRE(talk.publish({.topic = "t", .payload = "b", .qos = 1, .tag = 2}));
  CHECK(talk.take() == to_hex(publish(2, "t", 1, "a")));
  CHECK(talk.feed(ack(0x40, 1)) == to_hex(publish(2, "t", 2, "b")));
  CHECK(talk.feed(ack(0x40, 2)) == to_hex(publish(2, "t", 3, "c")));
  CHECK(talk.feed(ack(0x40, 3)) == to_hex(publish(2, "t", 4, "c")));
}

TEST_CASE("calls from inside on_close find a closed machine") {
  Policy policy;
  policy.closed = [](Side& side) {
    CHECK(side.machine.state() == ServerMachine::State::closed);
    CHECK_FALSE(side.machine.publish({.topic = "t", .payload = ""}, side.out));
    side.machine.accept({}, side.out);
    side.machine.refuse(ReasonCode::banned, side.out);
    side.machine.close(CloseCause::administrative, ReasonCode::banned, side.out);
    side.machine.connection_lost();
  };
  Conversation talk(policy);
  talk.open(connect_v5());
  CHECK(talk.feed(kDisconnect).empty());
  CHECK(talk.take_log() == Log{"close client_disconnect"});
}

TEST_SUITE_END();
