#include "daemon/codec/protocol.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>
#include <fstream>
#include <sstream>

namespace {
using namespace jl;
namespace json = boost::json;

constexpr Millis kNow = 1'700'000'000'000;

json::array load_vectors() {
  std::ifstream file(JL_SOURCE_DIR "/tests/data/wire-vectors.json");
  std::stringstream text;
  text << file.rdbuf();
  return json::parse(text.str()).as_array();
}

std::string_view text(const json::object& object, std::string_view key) {
  const auto* found = object.if_contains(key);
  return found == nullptr ? std::string_view() : std::string_view(found->as_string());
}

codec::DeviceIdentity identity_of(const json::object& device) {
  codec::DeviceIdentity identity;
  identity.device_id = text(device, "deviceId");
  identity.product_id = text(device, "productId");
  for (const auto* key : {"secureId", "secureKey", "secureType"}) {
    if (device.contains(key)) identity.configuration.emplace(key, Secret(std::string(text(device, key))));
  }
  return identity;
}

std::string payload_of(const json::object& vector) {
  if (vector.contains("payload_utf8")) return std::string(text(vector, "payload_utf8"));
  std::string bytes;
  const std::string hex(text(vector, "payload_hex"));
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

// JSON as values: numbers by amount, "$now" as the clock.
bool is_same(const json::value& got, const json::value& want) {
  if (want.is_string() && want.get_string() == "$now") return got.is_int64() && got.get_int64() == kNow;
  if (want.is_number() && got.is_number()) return got == want;
  if (want.is_object() && got.is_object()) {
    if (want.get_object().size() != got.get_object().size()) return false;
    for (const auto& [key, value] : want.get_object()) {
      const auto* other = got.get_object().if_contains(key);
      if (other == nullptr || !is_same(*other, value)) return false;
    }
    return true;
  }
  if (want.is_array() && got.is_array()) {
    return std::equal(got.get_array().begin(), got.get_array().end(), want.get_array().begin(), want.get_array().end(),
                      is_same);
  }
  return got == want;
}

// Where a vector recommends something, this is what it recommends, by the vector's name.
json::value recommended_message(std::string_view name) {
  if (name == "mqtt_report_header_null_value") {
    return json::parse(
        R"({"messageType":"REPORT_PROPERTY","deviceId":"dev-1","timestamp":"$now","properties":{"t":1}})");
  }
  return nullptr;
}

void check_up(const json::object& vector) {
  const std::string_view name = text(vector, "name");
  const json::object& expected = vector.at("expected").as_object();
  codec::DeviceMessage message;
  codec::Answer answer;
  const codec::DeviceIdentity identity = identity_of(vector.at("device").as_object());
  const auto result =
      codec::official_protocol().decode({text(vector, "topic"), payload_of(vector)}, {identity}, kNow, message, answer);
  json::value want = expected.contains("message") ? expected.at("message") : json::value(nullptr);
  if (const json::value better = recommended_message(name); !better.is_null()) {
    want = better;
  } else if (expected.contains("error")) {
    REQUIRE(result.has_error());
    CHECK(result.error().code == Errc::invalid);
    return;
  }
  REQUIRE(result.has_value());
  if (want.is_null()) {
    CHECK(*result == codec::Decoded::nothing);
    return;
  }
  REQUIRE(*result == codec::Decoded::message);
  CAPTURE(message.json);
  CHECK(is_same(json::parse(message.json), want));
  CHECK(codec::to_string(message.type) == text(want.as_object(), "messageType"));
}

void check_down(const json::object& vector) {
  const json::object& expected = vector.at("expected").as_object();
  codec::DownMessage message;
  message.body = vector.at("message").as_object();
  message.type = codec::message_type_from(text(message.body, "messageType")).value();
  const auto encoded = codec::official_protocol().encode(message, codec::Transport::mqtt,
                                                         {identity_of(vector.at("device").as_object())});
  REQUIRE(encoded.has_value());
  if (expected.contains("disconnect")) {
    CHECK(encoded->disconnect);
    CHECK(encoded->sends.empty());
    return;
  }
  CHECK(!encoded->disconnect);
  REQUIRE(encoded->sends.size() == 1);
  const auto& publish = encoded->sends.front();
  CAPTURE(publish.payload);
  CHECK(publish.topic == text(expected, "topic"));
  CHECK(publish.qos == expected.at("qos_v3_2").as_int64());
  // messageType is sent, the other optional keys are not.
  json::object want = expected.at("payload_json").as_object();
  want["messageType"] = expected.at("optional_json").at("messageType");
  CHECK(is_same(json::parse(publish.payload), want));
}

void check_authentication(const json::object& vector) {
  const json::object& connect = vector.at("connect").as_object();
  const auto outcome = codec::official_protocol().authenticate(
      {text(connect, "clientId"), text(connect, "username"), text(connect, "password")},
      identity_of(vector.at("device").as_object()), connect.at("now_ms").as_int64());
  const bool is_recommended = text(vector, "recommended").starts_with("accept");
  CHECK((outcome == codec::AuthOutcome::ok) == (is_recommended || vector.at("expected").at("success").as_bool()));
}
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("every MQTT vector of the wire specification holds [wire.md 7]") {
    int up = 0, down = 0, authentication = 0;
    for (const json::value& value : load_vectors()) {
      const json::object& vector = value.as_object();
      const std::string name(text(vector, "name"));
      const std::string_view transport = text(vector, "transport");
      CAPTURE(name);
      if (transport == "mqtt-auth") {
        check_authentication(vector), ++authentication;
      } else if (transport == "mqtt" && text(vector, "direction") == "up") {
        check_up(vector), ++up;
      } else if (transport == "mqtt") {
        check_down(vector), ++down;
      }
    }
    CHECK(up == 33);
    CHECK(down == 8);
    CHECK(authentication == 20);
    MESSAGE("wire vectors: " << up << " up, " << down << " down, " << authentication << " authentication");
  }
}
