#include "vectors.hpp"

#include <doctest/doctest.h>
#include <map>

namespace {
using namespace jl;
using namespace jl::test::vectors;

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
  const codec::DeviceIdentity identity = identity_of(vector);
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
  const codec::DownMessage message = down_message(vector.at("message").as_object());
  const auto encoded = codec::official_protocol().encode(message, codec::Transport::mqtt, {identity_of(vector)});
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
      {text(connect, "clientId"), text(connect, "username"), text(connect, "password")}, identity_of(vector),
      connect.at("now_ms").as_int64());
  const bool is_recommended = text(vector, "recommended").starts_with("accept");
  CHECK((outcome == codec::AuthOutcome::ok) == (is_recommended || vector.at("expected").at("success").as_bool()));
}
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("the wire specification has 119 vectors, and each transport's test counts its own [wire.md 7]") {
    std::map<std::string, int> counts;
    for (const json::value& vector : all()) {
      ++counts[std::string(text(vector.as_object(), "transport")) + " " +
               std::string(text(vector.as_object(), "direction"))];
    }
    const std::map<std::string, int> want{{"mqtt-auth up", 20}, {"mqtt up", 33}, {"mqtt down", 8}, {"tcp up", 24},
                                          {"tcp down", 8},      {"udp up", 4},   {"http up", 6},   {"ws up", 7},
                                          {"ws down", 1},       {"coap up", 8}};
    CHECK(counts == want);
    CHECK(all().size() == 119);
  }

  TEST_CASE("every MQTT vector of the wire specification holds [wire.md 7]") {
    int up = 0, down = 0, authentication = 0;
    for (const json::value& value : all()) {
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
