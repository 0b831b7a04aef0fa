// CONNECT and CONNACK of MQTT 5.
#include "tests/unit/daemon/wire/mqtt/conversation.hpp"

using namespace jl::wire::mqtt;
using namespace jl::wire::mqtt::testing;

TEST_SUITE_BEGIN("wire.mqtt");

namespace {
// What every CONNACK with the default limits announces, in the order of the encoder.
const std::string kReceiveMaximum = hex("21 00 40");
const std::string kMaximumPacket = hex("27 00 00 20 03");  // 8192 and a fixed header of 3
const std::string kAliasMaximum = hex("22 00 10");

std::string connack(const std::string& list, unsigned flags = 0) {
  return to_hex(packet(0x20, u8(flags) + u8(0) + props(list)));
}
const std::string kPlain = kReceiveMaximum + kMaximumPacket + kAliasMaximum;
}  // namespace

TEST_CASE("CONNACK announces the server's limits; absent properties say that all of MQTT is available [MQTT-3.2.2-1]") {
  Conversation talk;
  CHECK(talk.feed(connect_v5()) == connack(kPlain));
  CHECK(talk.machine().version() == ProtocolVersion::v5);
}

TEST_CASE("every property of a CONNECT is handed over") {
  Policy policy;
  policy.connect = [](Side& side, const ConnectView& view) {
    CHECK(view.version == ProtocolVersion::v5);
    CHECK(view.session_expiry == 3600);
    CHECK(view.receive_maximum == 10);
    CHECK(view.maximum_packet_size == 4096);
    CHECK(view.topic_alias_maximum == 5);
    CHECK(view.request_response_information);
    CHECK_FALSE(view.request_problem_information);
    REQUIRE(view.user_properties != nullptr);
    CHECK(*view.user_properties == UserProperties{{"k", "v1"}, {"k", "v2"}});
    REQUIRE(view.will != nullptr);
    CHECK(view.will->delay_seconds == 30);
    CHECK(view.will->topic == "w");
    CHECK(view.has_password);
    CHECK_FALSE(view.has_username);  // MQTT 5 allows a password alone
    side.machine.accept({}, side.out);
  };
  Conversation talk(policy);
  const std::string user = u8(0x26) + str("k") + str("v1") + u8(0x26) + str("k") + str("v2");
  const std::string list =
      u8(0x11) + u32(3600) + hex("21 00 0A") + hex("27 00 00 10 00") + hex("22 00 05") + hex("19 01 17 00") + user;
  const std::string will_list = u8(0x18) + u32(30) + hex("01 01") + u8(0x02) + u32(9) + u8(0x03) + str("text/plain") +
                                u8(0x08) + str("reply") + u8(0x09) + str("id") + u8(0x26) + str("a") + str("b");
  talk.feed(
      connect({.level = 5, .properties = list, .will_topic = "w", .will_properties = will_list, .password = "secret"}));
  CHECK(talk.machine().state() == ServerMachine::State::connected);
}

TEST_CASE("a session expiry is told where it is not what the client asked for [MQTT-3.1.2-23]") {
  struct Row {
    std::uint32_t asked;
    std::optional<std::uint32_t> granted;
    bool told;
    std::uint32_t result;
  };
  for (const Row& row : {Row{60, {}, false, 60}, Row{60, 60, false, 60}, Row{60, 0, true, 0}, Row{0, {}, false, 0},
                         Row{kNeverExpires, 3600, true, 3600}, Row{kNeverExpires, {}, false, kNeverExpires}}) {
    CAPTURE(row.asked);
    Policy policy;
    policy.connect = [&](Side& side, const ConnectView&) {
      side.machine.accept({.session_expiry = row.granted}, side.out);
    };
    Conversation talk(policy);
    const std::string told = row.told ? u8(0x11) + u32(row.result) : "";
    CHECK(talk.feed(connect_v5(u8(0x11) + u32(row.asked))) == connack(told + kPlain));
    CHECK(talk.machine().session_expiry() == row.result);
  }
}

TEST_CASE("response information is told only to a client that asked for it [MQTT-3.1.2-28]") {
  Policy policy;
  policy.connect = [](Side& side, const ConnectView&) {
    side.machine.accept({.response_information = "replies/d1"}, side.out);
  };
  CHECK(Conversation(policy).feed(connect_v5(hex("19 01"))) == connack(kPlain + u8(0x1A) + str("replies/d1")));
  CHECK(Conversation(policy).feed(connect_v5(hex("19 00"))) == connack(kPlain));
  CHECK(Conversation(policy).feed(connect_v5()) == connack(kPlain));
  CHECK(Conversation(policy).feed(connect_v311()) == "20 02 00 00");
}

TEST_CASE("a refusal may name another server, only with the codes for it [MQTT-3.2.2-22]") {
  struct Row {
    ReasonCode reason;
    unsigned code;
    bool told;
  };
  for (const Row& row : {Row{ReasonCode::use_another_server, 0x9C, true}, Row{ReasonCode::server_moved, 0x9D, true},
                         Row{ReasonCode::server_busy, 0x89, false}}) {
    Policy policy;
    policy.connect = [&](Side& side, const ConnectView&) {
      side.machine.refuse(row.reason, side.out, "go", "other:1883");
    };
    const std::string reference = row.told ? u8(0x1C) + str("other:1883") : "";
    CHECK(Conversation(policy).feed(connect_v5()) ==
          to_hex(packet(0x20, u8(0) + u8(row.code) + props(reference + u8(0x1F) + str("go")))));
    // The reference before the text, where there is no room for both.
    CHECK(Conversation(policy).feed(connect_v5(hex("27 00 00 00 12"))) ==
          to_hex(packet(0x20, u8(0) + u8(row.code) + props(row.told ? reference : u8(0x1F) + str("go")))));
    CHECK(Conversation(policy).feed(connect_v311()) == "20 02 00 03");
  }
}

TEST_CASE(
    "a reason text stands in CONNACK and DISCONNECT also where no problem information is wanted [MQTT-3.1.2-29]") {
  const std::string quiet = hex("17 00");
  Policy policy;
  policy.connect = [](Side& side, const ConnectView&) {
    side.machine.refuse(ReasonCode::not_authorized, side.out, "why");
  };
  CHECK(Conversation(policy).feed(connect_v5(quiet)) ==
        to_hex(packet(0x20, u8(0) + u8(0x87) + props(u8(0x1F) + str("why")))));
  Policy unwilling;
  unwilling.publish = [](Side&, const PublishView&) { return ReasonCode::not_authorized; };
  unwilling.subscribe = [](Side&, std::string_view, const SubscribeOptions&) { return ReasonCode::not_authorized; };
  Conversation talk(unwilling);
  talk.open(connect_v5(quiet));
  CHECK(talk.feed(publish_v5(2, "t", 1, "", "")) == "40 03 00 01 87");
  CHECK(talk.feed(subscribe(2, {{"t", 0}}, "")) == "90 04 00 02 00 87");
  CHECK(talk.feed(unsubscribe(3, {"t"}, "")) == "B0 04 00 03 00 11");
  CHECK(talk.feed(ack(0x62, 4)) == "70 03 00 04 92");
}

TEST_CASE("a will brings everything that it is published with [MQTT-3.1.2-7] [MQTT-3.1.2-15]") {
  const std::string forwarded = hex("01 01") + u8(0x03) + str("text/plain") + u8(0x08) + str("reply") + u8(0x09) +
                                str("id") + u8(0x26) + str("b") + str("2") + u8(0x26) + str("a") + str("1");
  Conversation talk;
  talk.open(
      connect({.level = 5,
               .will_topic = "w",
               .will_properties = u8(0x18) + u32(30) + forwarded.substr(0, 2) + u8(0x02) + u32(9) + forwarded.substr(2),
               .will_qos = 2,
               .will_retain = true}));
  const Will* will = talk.machine().will();
  REQUIRE(will != nullptr);
  CHECK(will->delay_seconds == 30);
  CHECK(will->message_expiry == 9);
  CHECK(to_hex(will->properties) == to_hex(forwarded));
  CHECK(will->qos == 2);
  CHECK(will->retain);
  Conversation plain;
  plain.open(connect({.level = 5, .will_topic = "w", .will_properties = forwarded}));
  CHECK(to_hex(plain.machine().will()->properties) == to_hex(forwarded));
  CHECK_FALSE(plain.machine().will()->message_expiry.has_value());
}

TEST_CASE("the assigned client identifier is told [MQTT-3.2.2-16] [MQTT-3.1.3-7]") {
  Policy policy;
  policy.connect = [](Side& side, const ConnectView& view) {
    CHECK(view.client_id.empty());
    AcceptOptions options;
    options.assigned_client_id = "auto-1";
    side.machine.accept(std::move(options), side.out);
  };
  for (const bool clean : {true, false}) {
    Conversation talk(policy);
    CHECK(talk.feed(connect({.level = 5, .id = "", .clean = clean})) ==
          connack(kReceiveMaximum + kMaximumPacket + u8(0x12) + str("auto-1") + kAliasMaximum));
  }
}

TEST_CASE("the server's keep alive is told and then holds [MQTT-3.2.2-21] [MQTT-3.1.2-21]") {
  struct Row {
    std::uint16_t client, cap, given, result;
    bool told;
  };
  for (const Row& row : {Row{60, 0, 0, 60, false}, Row{60, 0, 20, 20, true}, Row{600, 120, 0, 120, true},
                         Row{0, 120, 0, 120, true}, Row{60, 120, 0, 60, false}, Row{600, 120, 90, 90, true}}) {
    CAPTURE(row.client);
    CAPTURE(row.given);
    Policy policy;
    policy.connect = [&](Side& side, const ConnectView&) {
      AcceptOptions options;
      options.server_keep_alive = row.given;
      side.machine.accept(std::move(options), side.out);
    };
    ServerLimits limits;
    limits.keep_alive_cap = row.cap;
    Conversation talk(policy, limits);
    const std::string told = row.told ? u8(0x13) + u16(row.result) : "";
    CHECK(talk.feed(connect({.level = 5, .keep_alive = row.client})) == connack(kPlain + told));
    CHECK(talk.machine().keep_alive() == row.result);
  }
}

TEST_CASE("session present is told, but never after clean start [MQTT-3.2.2-2] [MQTT-3.2.2-3]") {
  Policy policy;
  policy.connect = [](Side& side, const ConnectView&) {
    AcceptOptions options;
    options.session_present = true;
    side.machine.accept(std::move(options), side.out);
  };
  CHECK(Conversation(policy).feed(connect({.level = 5, .clean = false})) == connack(kPlain, 1));
  CHECK(Conversation(policy).feed(connect({.level = 5, .clean = true})) == connack(kPlain, 0));
}

TEST_CASE("a CONNECT that breaks the rules is answered with its reason [MQTT-3.1.4-2]") {
  const auto flagged = [](unsigned flags, const std::string& payload) {
    return packet(0x10, str("MQTT") + u8(5) + u8(flags) + u16(60) + u8(0) + payload);
  };
  struct Row {
    const char* name;
    std::string bytes;
    const char* code;
    const char* close;
  };
  const std::string id = str("d1");
  const Row rows[] = {
      {"reserved flag [MQTT-3.1.2-3]", flagged(3, id), "81", "malformed_packet"},
      {"will QoS 3 [MQTT-3.1.2-12]", flagged(0x1E, id), "81", "malformed_packet"},
      {"will QoS without will [MQTT-3.1.2-11]", flagged(0x0A, id), "81", "malformed_packet"},
      {"will retain without will [MQTT-3.1.2-13]", flagged(0x22, id), "81", "malformed_packet"},
      {"bytes after the end", flagged(2, id + "x"), "81", "malformed_packet"},
      {"client id is not UTF-8 [MQTT-3.1.3-4]", connect({.level = 5, .id = "\xFF"}), "81", "malformed_packet"},
      {"receive maximum 0", connect_v5(hex("21 00 00")), "82", "protocol_error"},
      {"receive maximum twice", connect_v5(hex("21 00 01 21 00 01")), "82", "protocol_error"},
      {"maximum packet size 0", connect_v5(hex("27 00 00 00 00")), "82", "protocol_error"},
      {"request problem information 2", connect_v5(hex("17 02")), "82", "protocol_error"},
      {"request response information 2", connect_v5(hex("19 02")), "82", "protocol_error"},
      {"authentication data alone", connect_v5(u8(0x16) + str("x")), "82", "protocol_error"},
      {"authentication method [MQTT-4.12.0-1]", connect_v5(u8(0x15) + str("SCRAM")), "8C", "refused"},
      {"property of PUBLISH", connect_v5(hex("23 00 01")), "81", "malformed_packet"},
      {"property of a will", connect_v5(u8(0x18) + u32(1)), "81", "malformed_packet"},
      {"property of the server", connect_v5(hex("25 01")), "81", "malformed_packet"},
      {"unknown property", connect_v5(hex("2B 01")), "81", "malformed_packet"},
      {"client id over 256 bytes [MQTT-3.1.3-8]", connect({.level = 5, .id = std::string(257, 'i')}), "85", "refused"},
      {"will without its fields [MQTT-3.1.2-9]", flagged(0x06, id), "81", "malformed_packet"},
      {"user name flag without a name [MQTT-3.1.2-17]", flagged(0x82, id), "81", "malformed_packet"},
      {"password flag without one [MQTT-3.1.2-19]", flagged(0x42, id), "81", "malformed_packet"},
      {"user name without its flag [MQTT-3.1.2-16]", flagged(0x02, id + str("u")), "81", "malformed_packet"},
      {"will topic is not UTF-8 [MQTT-3.1.3-11]", connect({.level = 5, .will_topic = "\xFF"}), "81",
       "malformed_packet"},
      {"user name is not UTF-8 [MQTT-3.1.3-12]", connect({.level = 5, .username = "\xFF"}), "81", "malformed_packet"},
      {"client id with U+0000 [MQTT-1.5.4-2]", connect({.level = 5, .id = std::string("a\0", 2)}), "81",
       "malformed_packet"},
      {"no client id at all [MQTT-3.1.3-3]", flagged(0x02, ""), "81", "malformed_packet"},
      {"response topic of a will with a wildcard [MQTT-3.3.2-14]",
       connect({.level = 5, .will_topic = "w", .will_properties = u8(8) + str("a/+")}), "82", "protocol_error"},
      {"session expiry twice", connect_v5(u8(0x11) + u32(1) + u8(0x11) + u32(1)), "82", "protocol_error"},
      {"topic alias maximum twice", connect_v5(hex("22 00 01 22 00 01")), "82", "protocol_error"},
      {"will topic over the limit", connect({.level = 5, .will_topic = std::string(1025, 'w')}), "90", "refused"},
      {"will topic with a wildcard", connect({.level = 5, .will_topic = "+"}), "81", "malformed_packet"},
      {"session expiry among will properties",
       connect({.level = 5, .will_topic = "w", .will_properties = u8(0x11) + u32(1)}), "81", "malformed_packet"},
      {"will delay twice",
       connect({.level = 5, .will_topic = "w", .will_properties = u8(0x18) + u32(1) + u8(0x18) + u32(1)}), "82",
       "protocol_error"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    Conversation talk;
    const std::string answer = talk.feed(row.bytes);
    CHECK(answer.starts_with("20 "));
    CHECK(answer.substr(6, 5) == std::string("00 ") + row.code);
    CHECK(talk.take_log() == Log{std::string("close ") + row.close});
  }
}

TEST_CASE("user properties are bounded") {
  std::string list;
  for (int i = 0; i < 64; ++i) list += u8(0x26) + str("k") + str("v");
  CHECK(Conversation().feed(connect_v5(list)) == connack(kPlain));
  list += u8(0x26) + str("k") + str("v");
  Conversation talk;
  CHECK(talk.feed(connect_v5(list)).substr(6, 5) == "00 97");
  CHECK(talk.last() == "close refused");
}

TEST_CASE("a refusal carries its code and text where they may stand [MQTT-3.2.2-7] [MQTT-3.2.2-8]") {
  struct Row {
    ReasonCode reason;
    unsigned code;
  };
  for (const Row& row :
       {Row{ReasonCode::bad_user_name_or_password, 0x86}, Row{ReasonCode::not_authorized, 0x87},
        Row{ReasonCode::server_unavailable, 0x88}, Row{ReasonCode::banned, 0x8A},
        Row{ReasonCode::server_shutting_down, 0x88}, Row{ReasonCode::success, 0x80},
        Row{ReasonCode::session_taken_over, 0x80}, Row{ReasonCode::client_identifier_not_valid, 0x85}}) {
    CAPTURE(row.code);
    Policy policy;
    policy.connect = [&](Side& side, const ConnectView&) { side.machine.refuse(row.reason, side.out, "why"); };
    CHECK(Conversation(policy).feed(connect_v5()) ==
          to_hex(packet(0x20, u8(0) + u8(row.code) + props(u8(0x1F) + str("why")))));
  }
}

TEST_CASE("a reason text that is no string or too long for the client is left out [MQTT-3.2.2-19]") {
  for (const std::string& text : {std::string("\xFF"), std::string(70000, 'x'), std::string(90, 'x')}) {
    Policy policy;
    policy.connect = [&](Side& side, const ConnectView&) {
      side.machine.refuse(ReasonCode::not_authorized, side.out, text);
    };
    Conversation talk(policy);
    CHECK(talk.feed(connect_v5(hex("27 00 00 00 60"))) == "20 03 00 87 00");
  }
}

TEST_CASE("a reason text over 65535 bytes is left out for a client without limits (MQTT 5 §1.5.4)") {
  for (const std::size_t size : {std::size_t{65535}, std::size_t{65536}}) {
    Policy policy;
    policy.connect = [&](Side& side, const ConnectView&) {
      side.machine.refuse(ReasonCode::not_authorized, side.out, std::string(size, 'x'));
    };
    const std::string list = size == 65535 ? u8(0x1F) + str(std::string(size, 'x')) : "";
    CHECK(Conversation(policy).feed(connect_v5()) == to_hex(packet(0x20, u8(0) + u8(0x87) + props(list))));
  }
}

TEST_CASE("a client that cannot take a CONNACK is refused with the reason [MQTT-3.1.2-24]") {
  Conversation talk;
  CHECK(talk.feed(connect_v5(hex("27 00 00 00 0F"))) == "20 03 00 95 00");
  CHECK(talk.take_log() == Log{"connect d1", "close packet_too_large"});
}

TEST_CASE("the announced receive maximum is that of the limits (MQTT 5 §3.2.2.3.3)") {
  ServerLimits limits;
  limits.max_inbound_qos2 = 3;
  Conversation talk({}, limits);
  CHECK(talk.feed(connect_v5()).find("21 00 03") != std::string::npos);
}

TEST_SUITE_END();
