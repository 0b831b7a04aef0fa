#include "support.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::test;
using codec::MessageType;

namespace {
Result<codec::Encoded> encode(std::string_view body, const codec::DeviceIdentity& identity = device()) {
  codec::DownMessage message;
  message.body = boost::json::parse(body).as_object();
  message.type = codec::message_type_from(message.body.at("messageType").as_string()).value();
  return codec::official_protocol().encode(message, codec::Transport::mqtt, {identity});
}
codec::Downlink publish(std::string_view body, const codec::DeviceIdentity& identity = device()) {
  const auto encoded = encode(body, identity);
  REQUIRE(encoded.has_value());
  REQUIRE(encoded->sends.size() == 1);
  return encoded->sends.front();
}
Errc error(std::string_view body) {
  const auto encoded = encode(body);
  return encoded ? Errc::count_ : encoded.error().code;
}
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("every down type has its topic [wire.md 2.3]") {
    const std::pair<std::string, std::string> rows[] = {{"READ_PROPERTY", "properties/read"},
                                                        {"WRITE_PROPERTY", "properties/write"},
                                                        {"INVOKE_FUNCTION", "function/invoke"},
                                                        {"UPGRADE_FIRMWARE", "firmware/upgrade"},
                                                        {"REQUEST_FIRMWARE_REPLY", "firmware/pull/reply"},
                                                        {"READ_FIRMWARE", "firmware/read"},
                                                        {"STATE_CHECK", "state-check"},
                                                        {"READ_COLLECTOR_DATA", "collector/read"},
                                                        {"WRITE_COLLECTOR_DATA", "collector/write"}};
    for (const auto& [type, suffix] : rows) {
      const auto sent = publish(R"({"messageType":")" + type + R"("})");
      CHECK(sent.topic == "/p1/d1/" + suffix);
      CHECK(sent.qos == 1);
      const auto nested =
          publish(R"({"messageType":"CHILD","childDeviceMessage":{"deviceId":"c1","messageType":"CHILD",)"
                  R"("childDeviceMessage":{"deviceId":"c2","messageType":")" +
                  type + R"("}}})");
      CHECK(nested.topic == "/p1/d1/child/c1/child/c2/" + suffix);
      CHECK(boost::json::parse(nested.payload).at("deviceId") == "c2");
    }
    for (const auto* type : {"REPORT_PROPERTY", "EVENT", "DIRECT", "ACKNOWLEDGE", "UNKNOWN", "READ_PROPERTY_REPLY"}) {
      CHECK(error(std::string(R"({"messageType":")") + type + R"("})") == Errc::unsupported_message);
    }
    CHECK(error(R"({"messageType":"CHILD","childDeviceMessage":{"deviceId":"c1","messageType":"BROADCAST"}})") ==
          Errc::unsupported_message);
  }

  TEST_CASE("payloads are in canonical order with defaults and without nulls and library keys [wire.md 2.4]") {
    CHECK(
        publish(R"({"replyType":"x","thingType":"device","properties":["a"],"code":null,"timestamp":5,"messageId":"m",)"
                R"("messageType":"READ_PROPERTY"})")
            .payload ==
        R"({"messageType":"READ_PROPERTY","messageId":"m","deviceId":"d1","timestamp":5,"properties":["a"]})");
    const auto payload = [](std::string_view type) {
      return publish(R"({"messageType":")" + std::string(type) + R"("})").payload;
    };
    CHECK(payload("READ_PROPERTY") == R"({"messageType":"READ_PROPERTY","deviceId":"d1","properties":[]})");
    CHECK(payload("WRITE_PROPERTY") == R"({"messageType":"WRITE_PROPERTY","deviceId":"d1","properties":{}})");
    CHECK(payload("INVOKE_FUNCTION") == R"({"messageType":"INVOKE_FUNCTION","deviceId":"d1","inputs":[]})");
    CHECK(payload("UPGRADE_FIRMWARE") == R"({"messageType":"UPGRADE_FIRMWARE","deviceId":"d1","size":0})");
    CHECK(payload("REQUEST_FIRMWARE_REPLY") ==
          R"({"messageType":"REQUEST_FIRMWARE_REPLY","deviceId":"d1","success":true,"size":0})");
    CHECK(payload("READ_FIRMWARE") == R"({"messageType":"READ_FIRMWARE","deviceId":"d1"})");
    CHECK(publish(R"({"messageType":"WRITE_PROPERTY","properties":{"t":36.8,"n":null}})").payload ==
          R"({"messageType":"WRITE_PROPERTY","deviceId":"d1","properties":{"t":36.8,"n":null}})");
  }

  TEST_CASE("internal headers stay here [wire.md 1.4]") {
    CHECK(
        publish(R"({"messageType":"READ_FIRMWARE","headers":{"async":true,"_seq":1,"token":"t","x":null}})").payload ==
        R"({"messageType":"READ_FIRMWARE","deviceId":"d1","headers":{"async":true}})");
    CHECK(publish(R"({"messageType":"READ_FIRMWARE","headers":{"_seq":1}})").payload ==
          R"({"messageType":"READ_FIRMWARE","deviceId":"d1"})");
  }

  TEST_CASE("v1Compat sends the function's id under both keys [wire.md 2.4]") {
    constexpr std::string_view kInvoke =
        R"({"messageType":"INVOKE_FUNCTION","functionId":"reboot","inputs":{"delay":5}})";
    CHECK(
        publish(kInvoke).payload ==
        R"({"messageType":"INVOKE_FUNCTION","deviceId":"d1","functionId":"reboot","inputs":[{"name":"delay","value":5}]})");
    CHECK(publish(kInvoke, device({{"v1Compat", "true"}})).payload ==
          R"({"messageType":"INVOKE_FUNCTION","deviceId":"d1","functionId":"reboot",)"
          R"("inputs":[{"name":"delay","value":5}],"function":"reboot"})");
  }

  TEST_CASE("the QoS is the product's downQos [wire.md 2.4]") {
    for (const auto* qos : {"0", "1", "2"}) {
      CHECK(publish(R"({"messageType":"READ_FIRMWARE"})", device({{"downQos", qos}})).qos == std::stoi(qos));
    }
  }

  TEST_CASE("a disconnect closes the device's own connection and is published for children [wire.md 2.3]") {
    const auto own = encode(R"({"messageType":"DISCONNECT"})");
    REQUIRE(own.has_value());
    CHECK(own->disconnect);
    CHECK(own->sends.empty());
    CHECK(
        publish(R"({"messageType":"CHILD","childDeviceMessage":{"messageType":"DISCONNECT","deviceId":"c"}})").topic ==
        "/p1/d1/child/c/disconnect");
  }

  TEST_CASE("ids that would change the topic are refused [wire.md 2.2]") {
    for (const auto* id : {"", "a/b", "+", "#", "a\\n", "a\\u0000"}) {
      CAPTURE(id);
      const std::string quoted = "\"" + std::string(id) + "\"";
      CHECK(error(R"({"messageType":"CHILD","childDeviceMessage":{"messageType":"STATE_CHECK","deviceId":)" + quoted +
                  "}}") == Errc::invalid);
      if (*id != '\0') {
        CHECK(error(R"({"messageType":"READ_FIRMWARE","headers":{"productId":)" + quoted + "}}") == Errc::invalid);
      }
    }
    CHECK(error(R"({"messageType":"CHILD"})") == Errc::invalid);
    CHECK(error(R"({"messageType":"CHILD","childDeviceMessage":[]})") == Errc::invalid);
    CHECK(error(R"({"messageType":"READ_FIRMWARE","deviceId":"d2"})") == Errc::invalid);
    std::string deep = R"({"messageType":"STATE_CHECK","deviceId":"c"})";
    for (int i = 0; i < 8; ++i) deep = R"({"messageType":"CHILD","deviceId":"d1","childDeviceMessage":)" + deep + "}";
    CHECK(error(deep) == Errc::count_);
    CHECK(error(R"({"messageType":"CHILD","deviceId":"d1","childDeviceMessage":)" + deep + "}") == Errc::invalid);
  }

  TEST_CASE("without any product id the topic says null [wire.md 2.4]") {
    auto nameless = device();
    nameless.product_id.clear();
    CHECK(publish(R"({"messageType":"READ_FIRMWARE"})", nameless).topic == "/null/d1/firmware/read");
  }
}
