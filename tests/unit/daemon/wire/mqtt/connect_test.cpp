// CONNECT and CONNACK of 3.1 and 3.1.1.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

TEST_CASE("a CONNECT is handed over with all that it says [3.1.1 MQTT-3.1.3-1]") {
  int seen = 0;
  Policy policy;
  policy.connect = [&](Side& side, const ConnectView& view) {
    ++seen;
    CHECK(view.version == ProtocolVersion::v3_1_1);
    CHECK(view.client_id == "dev-1");
    CHECK(view.has_username);
    CHECK(view.username == "admin|1700000000000");
    CHECK(view.has_password);
    CHECK(view.password == std::string("p\0w", 3));
    CHECK_FALSE(view.clean_start);
    CHECK(view.keep_alive == 300);
    REQUIRE(view.will != nullptr);
    CHECK(view.will->topic == "/p/d/offline");
    CHECK(view.will->payload == "{}");
    CHECK(view.will->qos == 1);
    CHECK(view.will->retain);
    CHECK(view.user_properties == nullptr);
    side.machine.accept({}, side.out);
  };
  Conversation talk(policy);
  const std::string answer = talk.feed(connect({.id = "dev-1",
                                                .clean = false,
                                                .keep_alive = 300,
                                                .will_topic = "/p/d/offline",
                                                .will_payload = "{}",
                                                .will_qos = 1,
                                                .will_retain = true,
                                                .username = "admin|1700000000000",
                                                .password = std::string("p\0w", 3)}));
  CHECK(answer == "20 02 00 00");
  CHECK(seen == 2);
  CHECK(talk.machine().version() == ProtocolVersion::v3_1_1);
  CHECK(talk.machine().keep_alive() == 300);
  REQUIRE(talk.machine().will() != nullptr);
  CHECK(talk.machine().will()->topic == "/p/d/offline");
}

TEST_CASE("the bytes of a typical 3.1.1 CONNECT, as written in the standard [3.1.1 MQTT-3.1.2-1]") {
  Conversation talk;
  CHECK(talk.feed(hex("10 0E 00 04 4D 51 54 54 04 02 00 3C 00 02 64 31")) == "20 02 00 00");
  CHECK(talk.take_log() == Log{"connect d1"});
}

TEST_CASE("a MQTT 3.1 client is served, its CONNACK has no session flag") {
  Policy policy;
  policy.connect = [](Side& side, const ConnectView& view) {
    CHECK(view.version == ProtocolVersion::v3_1);
    AcceptOptions options;
    options.session_present = true;
    side.machine.accept(std::move(options), side.out);
  };
  policy.subscribe = [](Side&, std::string_view, const SubscribeOptions& options) {
    CHECK_FALSE(options.no_local);  // bits that 3.1 does not use mean nothing
    CHECK(options.retain_handling == 0);
    return static_cast<ReasonCode>(options.qos);
  };
  Conversation talk(policy);
  CHECK(talk.feed(connect({.level = 3, .name = "MQIsdp", .clean = false})) == "20 02 00 00");
  CHECK(talk.machine().version() == ProtocolVersion::v3_1);
  // 3.1 retransmits with DUP where later versions forbid it.
  CHECK(talk.feed(hex("8A 06 00 01 00 01 61 01")) == "90 03 00 01 01");
  CHECK(talk.feed(hex("AA 05 00 02 00 01 61")) == "B0 02 00 02");
  CHECK(talk.feed(hex("6A 02 00 03")) == "70 02 00 03");
  CHECK(talk.feed(subscribe(4, {{"a", 0xFC}})) == "90 03 00 04 00");
}

TEST_CASE("in 3.1 the remaining length takes precedence over the user name flag") {
  std::string body = str("MQIsdp") + u8(3) + u8(0xC2) + u16(10) + str("d1");
  Policy policy;
  policy.connect = [](Side& side, const ConnectView& view) {
    CHECK_FALSE(view.has_username);
    CHECK_FALSE(view.has_password);
    side.machine.accept({}, side.out);
  };
  CHECK(Conversation(policy).feed(packet(0x10, body)) == "20 02 00 00");
  body = str("MQTT") + u8(4) + u8(0xC2) + u16(10) + str("d1");
  Conversation strict;
  CHECK(strict.feed(packet(0x10, body)).empty());
  CHECK(strict.last() == "close malformed_packet");
}

TEST_CASE("the first packet must be CONNECT [3.1.1 MQTT-3.1.0-1]") {
  const std::string rows[] = {kPing,
                              publish(0, "t", 0, "x"),
                              hex("F0 00"),
                              hex("00 00"),
                              "GET / HTTP/1.1\r\n",
                              hex("16 03 01 02 00"),
                              hex("20 02 00 00")};
  for (const std::string& bytes : rows) {
    CAPTURE(to_hex(bytes));
    Conversation talk;
    CHECK(talk.feed(bytes).empty());
    CHECK(talk.take_log() == Log{bytes[0] == '\x16' ? "close malformed_packet" : "close protocol_error"});
  }
}

TEST_CASE("a CONNECT over the size limit ends the connection at its header") {
  ServerLimits limits;
  limits.max_packet = 100;
  Conversation talk({}, limits);
  CHECK(talk.feed(hex("10 65")).empty());
  CHECK(talk.take_log() == Log{"close packet_too_large"});
}

TEST_CASE("an unsupported protocol level is answered with return code 1 [3.1.1 MQTT-3.1.2-2]") {
  for (const unsigned level : {0u, 1u, 2u, 3u}) {
    Conversation talk;
    CHECK(talk.feed(connect({.level = level})) == "20 02 00 01");
    CHECK(talk.take_log() == Log{"close refused"});
  }
  CHECK(Conversation().feed(connect({.level = 4, .name = "MQIsdp"})) == "20 02 00 01");
  Conversation newer;  // a newer client reads the newest answer that we know [MQTT-3.1.2-2]
  CHECK(newer.feed(connect({.level = 6})).starts_with("20 20 00 84"));
  CHECK(newer.take_log() == Log{"close refused"});
}

TEST_CASE("a CONNECT that breaks the rules is closed without CONNACK [3.1.1 MQTT-3.1.4-1]") {
  const auto flagged = [](unsigned flags, const std::string& payload) {
    return packet(0x10, str("MQTT") + u8(4) + u8(flags) + u16(60) + payload);
  };
  const std::pair<const char*, std::string> rows[] = {
      {"wrong protocol name [3.1.1 MQTT-3.1.2-1]", connect({.name = "MQTX"})},
      {"lower case protocol name", connect({.name = "mqtt"})},
      {"reserved flag [3.1.1 MQTT-3.1.2-3]", flagged(0x03, str("d1"))},
      {"will QoS 3 [3.1.1 MQTT-3.1.2-14]", flagged(0x1E, str("d1") + str("t") + str(""))},
      {"will QoS without will [3.1.1 MQTT-3.1.2-13]", flagged(0x0A, str("d1"))},
      {"will retain without will [3.1.1 MQTT-3.1.2-15]", flagged(0x22, str("d1"))},
      {"password without user name [3.1.1 MQTT-3.1.2-22]", flagged(0x42, str("d1") + str("p"))},
      {"flags without will fields [3.1.1 MQTT-3.1.2-9]", flagged(0x06, str("d1"))},
      {"flags without user name [3.1.1 MQTT-3.1.2-19]", flagged(0x82, str("d1"))},
      {"bytes after the end [3.1.1 MQTT-3.1.2-18]", flagged(0x02, str("d1") + str("u"))},
      {"client id is not UTF-8 [3.1.1 MQTT-3.1.3-4]", connect({.id = "\xC3\x28"})},
      {"client id has U+0000 [3.1.1 MQTT-1.5.3-2]", connect({.id = std::string("a\0", 2)})},
      {"user name is not UTF-8 [3.1.1 MQTT-3.1.3-11]", connect({.username = "\xFF"})},
      {"will topic is not UTF-8 [3.1.1 MQTT-3.1.3-10]", connect({.will_topic = "\xFF"})},
      {"will topic with a wildcard", connect({.will_topic = "a/#"})},
      {"will topic empty", connect({.will_topic = ""})},
      {"empty body", hex("10 00")},
      {"cut in the variable header", hex("10 07 00 04 4D 51 54 54 04")},
      {"fixed header flags", hex("11 0E 00 04 4D 51 54 54 04 02 00 3C 00 02 64 31")},
  };
  for (const auto& [name, bytes] : rows) {
    CAPTURE(name);
    Conversation talk;
    CHECK(talk.feed(bytes).empty());
    CHECK(talk.take_log() == Log{"close malformed_packet"});
    CHECK_FALSE(talk.machine().close_detail().empty());
  }
}

TEST_CASE("an empty client identifier needs clean session [3.1.1 MQTT-3.1.3-7] [3.1.1 MQTT-3.1.3-8]") {
  CHECK(Conversation().feed(connect({.id = "", .clean = true})) == "20 02 00 00");
  Conversation refused;
  CHECK(refused.feed(connect({.id = "", .clean = false})) == "20 02 00 02");
  CHECK(refused.take_log() == Log{"close refused"});
  CHECK(Conversation().feed(connect({.level = 3, .name = "MQIsdp", .id = "", .clean = true})) == "20 02 00 02");
}

TEST_CASE("client identifiers of up to 256 bytes are accepted [3.1.1 MQTT-3.1.3-5] [3.1.1 MQTT-3.1.3-9]") {
  CHECK(Conversation().feed(connect({.id = std::string(256, 'i')})) == "20 02 00 00");
  Conversation refused;
  CHECK(refused.feed(connect({.id = std::string(257, 'i')})) == "20 02 00 02");
  CHECK(refused.take_log() == Log{"close refused"});
}

TEST_CASE("a refusal says why in a 3.1.1 return code [3.1.1 MQTT-3.2.2-4] [3.1.1 MQTT-3.2.2-5]") {
  const std::pair<ReasonCode, const char*> rows[] = {
      {ReasonCode::unsupported_protocol_version, "01"},
      {ReasonCode::client_identifier_not_valid, "02"},
      {ReasonCode::server_unavailable, "03"},
      {ReasonCode::server_busy, "03"},
      {ReasonCode::unspecified_error, "03"},
      {ReasonCode::quota_exceeded, "03"},
      {ReasonCode::server_shutting_down, "03"},
      {ReasonCode::success, "03"},
      {ReasonCode::bad_user_name_or_password, "04"},
      {ReasonCode::bad_authentication_method, "04"},
      {ReasonCode::not_authorized, "05"},
      {ReasonCode::banned, "05"},
  };
  for (const auto& [reason, code] : rows) {
    CAPTURE(code);
    Policy policy;
    policy.connect = [reason = reason](Side& side, const ConnectView&) { side.machine.refuse(reason, side.out, "no"); };
    Conversation talk(policy);
    CHECK(talk.feed(connect({.will_topic = "t"})) == std::string("20 02 00 ") + code);
    CHECK(talk.take_log() == Log{"connect d1", "close refused"});
    CHECK(talk.is_closed());
    CHECK(talk.feed(kPing).empty());
  }
}

TEST_CASE("session present is told, but never after clean session [3.1.1 MQTT-3.2.2-1] [3.1.1 MQTT-3.2.2-2]") {
  Policy policy;
  policy.connect = [](Side& side, const ConnectView&) {
    AcceptOptions options;
    options.session_present = true;
    side.machine.accept(std::move(options), side.out);
  };
  CHECK(Conversation(policy).feed(connect({.clean = false})) == "20 02 01 00");
  CHECK(Conversation(policy).feed(connect({.clean = true})) == "20 02 00 00");
}

TEST_CASE("before MQTT 5 the client's own keep alive stands [3.1.1 MQTT-3.1.2-24]") {
  ServerLimits limits;
  limits.keep_alive_cap = 30;
  Conversation talk({}, limits);
  talk.open(connect({.keep_alive = 600}));
  CHECK(talk.machine().keep_alive() == 600);
}

TEST_CASE("input that comes before the decision waits for it [3.1.1 MQTT-3.1.4-5]") {
  Policy policy;
  policy.connect = [](Side&, const ConnectView&) {};
  Conversation talk(policy);
  CHECK(talk.feed(connect_v311() + publish(2, "t", 7, "early") + kPing).empty());
  CHECK(talk.feed(publish(2, "t", 8, "half").substr(0, 4)).empty());
  CHECK(talk.take_log() == Log{"connect d1"});
  CHECK(talk.machine().state() == ServerMachine::State::deciding);
  CHECK(talk.machine().held_bytes() > 0);
  CHECK(talk.act([](Side& side) { side.machine.accept({}, side.out); }) == "20 02 00 00 40 02 00 07 D0 00");
  CHECK(talk.feed(publish(2, "t", 8, "half").substr(4)) == "40 02 00 08");
  CHECK(talk.take_log() == Log{"publish t q1 early", "publish t q1 half"});
  CHECK(talk.machine().held_bytes() == 0);
}

TEST_CASE("input that waited for a refusal is not handled [3.1.1 MQTT-3.1.4-5]") {
  Policy policy;
  policy.connect = [](Side&, const ConnectView&) {};
  Conversation talk(policy);
  talk.feed(connect_v311() + publish(0, "t", 0, "early"));
  CHECK(talk.act([](Side& side) { side.machine.refuse(ReasonCode::not_authorized, side.out); }) == "20 02 00 05");
  CHECK(talk.take_log() == Log{"connect d1", "close refused"});
  CHECK(talk.machine().held_bytes() == 0);
}

TEST_CASE("input that waits for the decision is bounded") {
  Policy policy;
  policy.connect = [](Side&, const ConnectView&) {};
  ServerLimits limits;
  limits.max_packet = 1000;
  for (const bool v5 : {false, true}) {
    Conversation talk(policy, limits);
    talk.feed(v5 ? connect_v5() : connect_v311());
    CHECK(talk.feed(std::string(1000 + 65536, 'x')).empty());
    CHECK_FALSE(talk.is_closed());
    const std::string answer = talk.feed("x");
    CHECK(answer.substr(0, 11).ends_with(v5 ? "00 97" : "00 03"));
    CHECK(talk.last() == "close refused");
    CHECK(talk.machine().held_bytes() == 0);
  }
}

TEST_CASE("accept and refuse do nothing at any other time") {
  Conversation talk;
  const auto both = [](Side& side) {
    side.machine.accept({}, side.out);
    side.machine.refuse(ReasonCode::banned, side.out);
  };
  CHECK(talk.act(both).empty());
  CHECK(talk.machine().state() == ServerMachine::State::awaiting_connect);
  talk.open(connect_v311());
  CHECK(talk.act(both).empty());
  CHECK(talk.machine().state() == ServerMachine::State::connected);
  talk.feed(kDisconnect);
  CHECK(talk.act(both).empty());
  CHECK(talk.take_log() == Log{"close client_disconnect"});
}

TEST_SUITE_END();
