#include "support.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::test;
using codec::AuthOutcome;
using codec::Decoded;
using codec::MessageType;

namespace {
AuthOutcome handshake(std::string_view path, std::string_view query, std::string_view authorization = "",
                      const codec::DeviceIdentity& identity = device({{"bearer_token", "tok+4/2 =é"}})) {
  codec::WebSocketCredentials credentials;
  credentials.path = path;
  credentials.query = query;
  credentials.authorization = authorization;
  return codec::official_protocol().authenticate(credentials, identity);
}

std::string owner(std::string_view path) {
  codec::WebSocketCredentials credentials;
  credentials.path = path;
  const auto found = codec::official_protocol().owner_of(credentials);
  return found ? std::string(found->product_id) + " " + std::string(found->device_id) : "nobody";
}

Uplink receive(std::string_view text) {
  codec::Uplink wire;
  wire.transport = codec::Transport::websocket;
  wire.payload = text;
  Uplink up;
  up.result = codec::official_protocol().decode(wire, {device()}, kNow, up.message, up.answer);
  CHECK(!up.answer.has_reply);
  if (!up.is_message()) CHECK(up.message.json.empty());
  return up;
}

std::string typed(std::string_view type, std::string_view members = "") {
  return R"({"messageType":")" + std::string(type) + '"' + std::string(members) + "}";
}

// A message of a child below `levels` children.
std::string nested(int levels, std::string message) {
  for (int i = 0; i < levels; ++i) {
    const std::string id = i + 1 == levels ? "d1" : "c";
    message = R"({"messageType":"CHILD","deviceId":")" + id + R"(","childDeviceMessage":)" + message + "}";
  }
  return message;
}

Result<codec::Encoded> send(std::string_view body, const codec::DeviceIdentity& identity = device()) {
  codec::DownMessage message;
  message.body = boost::json::parse(body).as_object();
  message.type = codec::message_type_from(message.body.at("messageType").as_string()).value();
  return codec::official_protocol().encode(message, codec::Transport::websocket, {identity});
}
std::string sent(std::string_view body) {
  const auto encoded = send(body);
  REQUIRE(encoded.has_value());
  REQUIRE(encoded->sends.size() == 1);
  CHECK(encoded->sends.front().text);
  CHECK(encoded->sends.front().topic.empty());
  return encoded->sends.front().payload;
}
Errc error(std::string_view body) {
  const auto encoded = send(body);
  return encoded ? Errc::count_ : encoded.error().code;
}
}  // namespace

TEST_SUITE("codec.official.websocket") {
  TEST_CASE("the handshake proves itself by the token of its query or by a bearer token [wire.md 3.2]") {
    constexpr std::string_view kPath = "/p1/d1/socket";
    CHECK(handshake(kPath, "token=tok%2B4%2F2%20%3D%C3%A9") == AuthOutcome::ok);
    CHECK(handshake(kPath, "token=tok+4/2%20=é") == AuthOutcome::ok);
    CHECK(handshake(kPath, "a=b&token=tok%2b4/2%20=%c3%a9&c") == AuthOutcome::ok);
    CHECK(handshake("/any/d1/socket/", "token=tok+4/2%20=é") == AuthOutcome::ok);
    for (const std::string_view query : {"token=tok", "token=tok%2B4%2F2%20%3D%C3%A9x", "token=TOK%2B4%2F2%20%3D%C3%A9",
                                         "token=x&token=tok%2B4%2F2%20%3D%C3%A9"}) {
      CAPTURE(query);
      CHECK(handshake(kPath, query) == AuthOutcome::bad_credentials);
    }
    for (const std::string_view query :
         {"", "token", "token=", "Token=tok", "mytoken=tok", "&&", "token=%", "token=%4", "token=%zz"}) {
      CAPTURE(query);
      CHECK(handshake(kPath, query) == AuthOutcome::bad_format);
    }
    const auto plain = device({{"bearer_token", "tok-42"}});
    CHECK(handshake(kPath, "", "Bearer tok-42", plain) == AuthOutcome::ok);
    CHECK(handshake(kPath, "other=1", "bearer tok-42", plain) == AuthOutcome::ok);
    CHECK(handshake(kPath, "", "Bearer tok", plain) == AuthOutcome::bad_credentials);
    CHECK(handshake(kPath, "", "Basic tok-42", plain) == AuthOutcome::bad_format);
    CHECK(handshake(kPath, "token=tok", "Bearer tok-42", plain) == AuthOutcome::bad_credentials);
    CHECK(handshake("/p1/d2/socket", "token=tok-42", "", plain) == AuthOutcome::bad_credentials);
    CHECK(handshake("/p1/d1/other", "token=tok-42", "", plain) == AuthOutcome::bad_format);
    CHECK(handshake(kPath, std::string(20'000, 'x'), "Bearer tok-42", plain) == AuthOutcome::bad_credentials);
    CHECK(handshake(kPath, "token=", "", device()) == AuthOutcome::not_configured);
    CHECK(handshake(kPath, "token=x", "", device({{"bearer_token", ""}})) == AuthOutcome::not_configured);
  }

  TEST_CASE("the owner of a handshake is the path's second segment [wire.md 3.2]") {
    CHECK(owner("/p1/d1/socket") == "p1 d1");
    CHECK(owner("/p1/d1/socket/") == "p1 d1");
    CHECK(owner("//d1/socket") == " d1");
    for (const std::string_view path : {"", "/", "/p1/d1", "/p1/d1/", "/p1//socket", "/p1/d1/x", "/p1/d1/socket/x",
                                        "p1/d1/socket", "/socket", "/p1/d%31/socket", "/p1/d+/socket"}) {
      CAPTURE(path);
      CHECK(owner(path) == "nobody");
    }
  }

  TEST_CASE("every type that devices send is decoded by its name, in upper or lower case [wire.md 3.2]") {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"REPORT_PROPERTY", R"(,"properties":{"t":1},"propertySourceTimes":{"t":5},"propertyStates":{"t":"ok"})"},
        {"READ_PROPERTY_REPLY", R"(,"success":true,"properties":{"t":1})"},
        {"WRITE_PROPERTY_REPLY", R"(,"success":false,"message":"no","code":"E1")"},
        {"INVOKE_FUNCTION_REPLY", R"(,"success":true,"functionId":"f","output":[1])"},
        {"EVENT", R"(,"event":"fire","data":{"level":1})"},
        {"ONLINE", ""},
        {"OFFLINE", ""},
        {"REGISTER", R"(,"headers":{"productId":"p","deviceName":"n"})"},
        {"UN_REGISTER", ""},
        {"UPDATE_TAG", R"(,"tags":{"a":1})"},
        {"DERIVED_METADATA", R"(,"metadata":"{}","all":true)"},
        {"LOG", R"(,"log":"x")"},
        {"DIRECT", R"(,"payload":"AAH/")"},
        {"STATE_CHECK_REPLY", R"(,"success":true,"state":-1)"},
        {"DISCONNECT_REPLY", R"(,"success":true)"},
        {"READ_FIRMWARE_REPLY", R"(,"success":true,"version":"1","properties":{"a":1})"},
        {"REPORT_FIRMWARE", R"(,"version":"1")"},
        {"REQUEST_FIRMWARE", R"(,"currentVersion":"1","requestVersion":"2")"},
        {"UPGRADE_FIRMWARE_REPLY", R"(,"success":true)"},
        {"UPGRADE_FIRMWARE_PROGRESS", R"(,"progress":50,"complete":false,"version":"2","success":false)"},
        {"ACKNOWLEDGE", R"(,"success":true)"},
        {"REPORT_COLLECTOR", R"(,"data":[{"address":"a","value":1}])"},
        {"READ_COLLECTOR_DATA_REPLY", R"(,"success":true,"data":[{"address":"a","value":1,"success":true}])"},
        {"WRITE_COLLECTOR_DATA_REPLY", R"(,"success":true,"data":[{"address":"a","success":false}])"},
    };
    for (const auto& [type, members] : rows) {
      CAPTURE(type);
      const std::string head = R"(,"messageId":"m","deviceId":"d1","timestamp":5)";
      const std::string text = typed(type, head + std::string(members));
      const Uplink up = receive(text);
      REQUIRE(up.is_message());
      CHECK(codec::to_string(up.message.type) == type);
      CHECK(up.message.json == text);
      const std::string lower = [&, word = std::string(type)]() mutable {
        for (char& c : word) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
        return typed(word, head + std::string(members));
      }();
      CHECK(receive(lower).message.json == text);
    }
    CHECK(receive(typed("ONLINE")).json().at("timestamp") == kNow);
  }

  TEST_CASE("without a type the members say it, first hit wins [wire.md 3.2]") {
    const std::pair<std::string_view, MessageType> rows[] = {
        {R"({"event":"e","functionId":"f","properties":{},"tags":{},"success":true})", MessageType::event},
        {R"({"functionId":"f","properties":{},"tags":{},"success":true})", MessageType::invoke_function_reply},
        {R"({"properties":{},"tags":{},"success":true})", MessageType::read_property_reply},
        {R"({"tags":{},"success":true})", MessageType::update_tag},
        {R"({"success":true})", MessageType::acknowledge},
        {R"({"messageType":null,"tags":{}})", MessageType::update_tag},
    };
    for (const auto& [text, type] : rows) {
      CAPTURE(text);
      CHECK(receive(text).message.type == type);
    }
    for (const auto* text : {"{}", R"({"data":1})", R"({"success":null})", R"({"messageType":"Report_Property"})",
                             R"({"messageType":"NO_SUCH"})", R"({"messageType":"","tags":{}})",
                             R"({"messageType":"UNKNOWN","tags":{}})", R"({"messageType":7})"}) {
      CAPTURE(text);
      CHECK(receive(text).is_nothing());
    }
  }

  TEST_CASE("what only the platform sends, and what is malformed, is refused [wire.md 3.2]") {
    for (const auto* type :
         {"READ_PROPERTY", "WRITE_PROPERTY", "INVOKE_FUNCTION", "STATE_CHECK", "DISCONNECT", "READ_FIRMWARE",
          "UPGRADE_FIRMWARE", "REQUEST_FIRMWARE_REPLY", "READ_COLLECTOR_DATA", "WRITE_COLLECTOR_DATA"}) {
      CAPTURE(type);
      CHECK(receive(typed(type)).error() == Errc::invalid);
    }
    for (const auto* text :
         {"",
          "[]",
          "{",
          "\"x\"",
          R"({"functionId":"f","inputs":[]})",
          R"({"properties":["a"]})",
          R"({"messageType":{}})",
          R"({"messageType":"ONLINE","messageType":"ONLINE"})",
          R"({"messageType":"ONLINE","deviceId":[]})",
          R"({"messageType":"ONLINE","deviceId":"d1","deviceId":"d1"})",
          R"({"messageType":"EVENT"})",
          R"({"messageType":"EVENT","event":""})",
          R"({"messageType":"EVENT","event":{}})",
          R"({"messageType":"EVENT","event":"a/b"})",
          R"({"messageType":"EVENT","event":"a\u0000"})",
          R"({"messageType":"EVENT","event":"a","event":"b"})",
          R"({"messageType":"DIRECT","payload":"AAH"})",
          R"({"messageType":"DIRECT","payload":"A==="})",
          R"({"messageType":"DIRECT","payload":"AA*/"})",
          R"({"messageType":"UPDATE_TAG","tags":[]})",
          R"({"messageType":"CHILD"})",
          R"({"messageType":"CHILD","childDeviceMessage":"x"})",
          R"({"messageType":"CHILD","childDeviceMessage":{"messageType":"ONLINE"}})",
          R"({"messageType":"CHILD","childDeviceMessage":{"messageType":"ONLINE","deviceId":"a/b"}})",
          R"({"messageType":"CHILD","childDeviceMessage":{"messageType":"READ_PROPERTY","deviceId":"c"}})"}) {
      CAPTURE(text);
      CHECK(receive(text).error() == Errc::invalid);
    }
    CHECK(receive(R"({"messageType":"CHILD","childDeviceMessage":{"deviceId":"c"}})").is_nothing());
  }

  TEST_CASE("a message for another device is denied, an absent or equal id is the session's [wire.md 9.2]") {
    CHECK(receive(R"({"messageType":"ONLINE","deviceId":"d2"})").error() == Errc::denied);
    CHECK(
        receive(R"({"messageType":"CHILD","deviceId":"d2","childDeviceMessage":{"deviceId":"c","messageType":"LOG"}})")
            .error() == Errc::denied);
    for (const auto* id : {R"("d1")", "null", R"("")"}) {
      const Uplink up = receive(R"({"messageType":"ONLINE","deviceId":)" + std::string(id) + "}");
      REQUIRE(up.is_message());
      CHECK(up.message.device_id == "d1");
    }
  }

  TEST_CASE("a gateway speaks for its children by wrapping their messages [wire.md 2.5, 3.2]") {
    constexpr std::string_view kRead =
        R"({"messageId":"r1","timestamp":5,"messageType":"READ_PROPERTY_REPLY","deviceId":"c1","properties":{"t":1}})";
    Uplink up =
        receive(R"({"messageType":"CHILD_REPLY","messageId":"other","childDeviceMessage":)" + std::string(kRead) + "}");
    REQUIRE(up.is_message());
    CHECK(up.message.json ==
          R"({"messageType":"CHILD_REPLY","messageId":"r1","deviceId":"d1","timestamp":5,"success":true,)"
          R"("childDeviceMessage":{"messageType":"READ_PROPERTY_REPLY","messageId":"r1","deviceId":"c1",)"
          R"("timestamp":5,"success":true,"properties":{"t":1}}})");
    REQUIRE(up.message.has_child);
    CHECK(up.message.child->device_id == "c1");
    CHECK(up.message.child->properties.at(0).value == "1");
    // The child may be named beside its message, and its type may be guessed.
    up = receive(R"({"messageType":"CHILD","childDeviceId":"c2","childDeviceMessage":{"tags":{"a":1}}})");
    REQUIRE(up.is_message());
    CHECK(up.message.child->device_id == "c2");
    CHECK(up.message.child->type == MessageType::update_tag);
  }

  TEST_CASE("children nest as deep as in topics, and give what topics give [wire.md 2.5]") {
    const std::string leaf = R"({"messageType":"LOG","deviceId":"c","timestamp":5,"log":"x"})";
    std::string topic = "/p1/d1";
    for (int levels = 1; levels <= 9; ++levels) {
      CAPTURE(levels);
      topic += "/child/c";
      const Uplink up = receive(nested(levels, leaf)), same = decode(topic + "/log", R"({"timestamp":5,"log":"x"})");
      CHECK(up.error() == (levels <= 8 ? Errc::count_ : Errc::invalid));
      CHECK(up.message.json == same.message.json);
    }
    std::string deep = "1";
    for (int i = 0; i < 29; ++i) deep = "[" + deep + "]";
    const auto with_value = [](const std::string& value) {
      return nested(1, R"({"messageType":"EVENT","deviceId":"c","event":"e","data":)" + value + "}");
    };
    CHECK(receive(with_value("[" + deep + "]")).is_message());
    CHECK(receive(with_value("[[" + deep + "]]")).error() == Errc::invalid);
  }

  TEST_CASE("messages go down whole, cleaned as those of MQTT [wire.md 3.2]") {
    CHECK(sent(R"({"replyType":"x","thingType":"device","properties":["a"],"code":null,"timestamp":5,"messageId":"m",)"
               R"("messageType":"READ_PROPERTY","headers":{"async":true,"_seq":1,"token":"t"}})") ==
          R"({"messageType":"READ_PROPERTY","messageId":"m","deviceId":"d1","timestamp":5,"properties":["a"],)"
          R"("headers":{"async":true}})");
    CHECK(sent(R"({"messageType":"INVOKE_FUNCTION","functionId":"f","inputs":{"a":1}})") ==
          R"({"messageType":"INVOKE_FUNCTION","deviceId":"d1","functionId":"f","inputs":[{"name":"a","value":1}]})");
    for (const auto* type :
         {"READ_PROPERTY", "WRITE_PROPERTY", "INVOKE_FUNCTION", "UPGRADE_FIRMWARE", "REQUEST_FIRMWARE_REPLY",
          "READ_FIRMWARE", "STATE_CHECK", "READ_COLLECTOR_DATA", "WRITE_COLLECTOR_DATA"}) {
      CAPTURE(type);
      const auto body = boost::json::parse(sent(typed(type))).as_object();
      CHECK(body.at("messageType") == type);
      CHECK(body.at("deviceId") == "d1");
    }
    for (const auto* type : {"REPORT_PROPERTY", "EVENT", "ACKNOWLEDGE", "UNKNOWN", "READ_PROPERTY_REPLY", "DIRECT"}) {
      CHECK(error(typed(type)) == Errc::unsupported_message);
    }
    CHECK(error(R"({"messageType":"READ_PROPERTY","deviceId":"d2"})") == Errc::invalid);
    const auto disconnect = send(typed("DISCONNECT"));
    REQUIRE(disconnect.has_value());
    CHECK(disconnect->disconnect);
    CHECK(disconnect->sends.empty());
  }

  TEST_CASE("messages to children go down nested in those of their gateways [wire.md 2.5]") {
    CHECK(sent(R"({"messageType":"CHILD","messageId":"m","deviceId":"d1","timestamp":5,"headers":{"_x":1},)"
               R"("childDeviceMessage":{"messageType":"DISCONNECT","messageId":"m","deviceId":"c1","replyType":"x",)"
               R"("headers":{"_seq":1}}})") ==
          R"({"messageType":"CHILD","messageId":"m","deviceId":"d1","timestamp":5,)"
          R"("childDeviceMessage":{"messageType":"DISCONNECT","messageId":"m","deviceId":"c1"},"childDeviceId":"c1"})");
    CHECK(error(R"({"messageType":"CHILD"})") == Errc::invalid);
    CHECK(error(R"({"messageType":"CHILD","childDeviceMessage":{"messageType":"LOG","deviceId":"c"}})") ==
          Errc::unsupported_message);
    CHECK(error(R"({"messageType":"CHILD","childDeviceMessage":{"messageType":"STATE_CHECK"}})") == Errc::invalid);
    const std::string check = R"({"messageType":"STATE_CHECK","deviceId":"c"})";
    CHECK(error(nested(8, check)) == Errc::count_);
    CHECK(error(nested(9, check)) == Errc::invalid);
  }
}
