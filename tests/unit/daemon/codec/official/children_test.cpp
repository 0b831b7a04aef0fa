#include "support.hpp"

#include <doctest/doctest.h>

using namespace jl;
using namespace jl::test;
using codec::MessageType;

namespace {
std::string below(int levels, std::string_view suffix) {
  std::string topic = "/p1/d1";
  for (int i = 1; i <= levels; ++i) topic += "/child/c" + std::to_string(i);
  return topic + "/" + std::string(suffix);
}
}  // namespace

TEST_SUITE("codec.official") {
  TEST_CASE("a child's message is wrapped with its id and time [wire.md 2.5]") {
    const auto up =
        decode("/p1/d1/child/c1/properties/report", R"({"messageId":"k","timestamp":7,"properties":{"t":1}})");
    REQUIRE(up.is_message());
    CHECK(up.message.type == MessageType::child);
    CHECK(up.message.device_id == "d1");
    CHECK(up.message.message_id == "k");
    CHECK(up.message.timestamp == 7);
    CHECK(up.message.properties.empty());
    REQUIRE(up.message.has_child);
    CHECK(up.message.child->type == MessageType::report_property);
    CHECK(up.message.child->device_id == "c1");
    REQUIRE(up.message.child->properties.size() == 1);
    CHECK(up.message.child->properties[0].name == "t");
    CHECK(up.message.json ==
          R"({"messageType":"CHILD","messageId":"k","deviceId":"d1","timestamp":7,"childDeviceMessage":)" +
              up.message.child->json + "}");
  }

  TEST_CASE("replies come under child and under child-reply alike [wire.md 2.5]") {
    const auto plain = decode("/p1/d1/child/c1/properties/read/reply", R"({"messageId":"k","success":false})");
    CHECK(plain.message.type == MessageType::child);
    CHECK(plain.message.child->type == MessageType::read_property_reply);
    const auto reply = decode("/p1/d1/child-reply/c1/properties/read/reply", R"({"messageId":"k","success":false})");
    CHECK(reply.message.type == MessageType::child_reply);
    CHECK(reply.message.success);
    CHECK(!reply.message.child->success);
    CHECK(reply.json()["success"] == true);
  }

  TEST_CASE("children nest, each wrapper naming its own device [wire.md 2.5]") {
    const auto up = decode("/p1/d1/child/c1/child-reply/c2/child/c3/event/e", R"({"data":1})");
    REQUIRE(up.is_message());
    const auto& second = *up.message.child;
    const auto& third = *second.child;
    CHECK(up.message.type == MessageType::child);
    CHECK(second.type == MessageType::child_reply);
    CHECK(second.device_id == "c1");
    CHECK(third.type == MessageType::child);
    CHECK(third.device_id == "c2");
    CHECK(third.child->type == MessageType::event);
    CHECK(third.child->device_id == "c3");
    CHECK(!third.child->has_child);
    CHECK(up.json().at("childDeviceMessage").at("childDeviceMessage").at("childDeviceMessage").at("event") == "e");
  }

  TEST_CASE("children nest at most 8 levels deep") {
    CHECK(decode(below(8, "online"), "{}").is_message());
    CHECK(decode(below(9, "online"), "{}").error() == Errc::invalid);
    CHECK(decode(below(1000, "online"), "{}").error() == Errc::invalid);
  }

  TEST_CASE("the wrapped message stays within 32 levels of JSON") {
    const auto event = [](int child_levels, int json_levels) {
      std::string payload = "{\"data\":";
      for (int i = 1; i < json_levels; ++i) payload += '[';
      for (int i = 1; i < json_levels; ++i) payload += ']';
      return decode(below(child_levels, "event/e"), payload + "}");
    };
    CHECK_NOTHROW(static_cast<void>(event(0, 32).json()));
    CHECK_NOTHROW(static_cast<void>(event(8, 24).json()));
    CHECK(event(0, 33).error() == Errc::invalid);
    CHECK(event(8, 25).error() == Errc::invalid);
    CHECK(event(1, 32).error() == Errc::invalid);
  }

  TEST_CASE("a child's id must be printable and short") {
    CHECK(decode("/p1/d1/child/" + std::string(256, 'c') + "/online", "{}").is_message());
    CHECK(decode("/p1/d1/child/" + std::string(257, 'c') + "/online", "{}").error() == Errc::invalid);
    CHECK(decode("/p1/d1/child/\xc3\x28/online", "{}").error() == Errc::invalid);
    CHECK(decode("/p1/d1/child/c\n/online", "{}").error() == Errc::invalid);
    CHECK(decode("/p1/d1/child/电表\"/online", "{}").json().at("childDeviceMessage").at("deviceId") == "电表\"");
  }

  TEST_CASE("v1 gateways speak of children with v1Compat only [wire.md 8]") {
    const auto v1 = device({{"v1Compat", "true"}});
    CHECK(decode("/p1/d1/child/c1/connected", "{}").is_nothing());
    CHECK(decode("/p1/d1/child/c1/connected", "{}", v1).message.child->type == MessageType::online);
    CHECK(decode("/p1/d1/child/c1/disconnect", "{}", v1).message.child->type == MessageType::offline);
    CHECK(decode("/p1/d1/child/c1/disconnect", "{}").is_nothing());
  }

  TEST_CASE("a child's direct payload is opaque as well") {
    const auto up = decode("/p1/d1/child/c1/direct", std::string_view("\x00\xff", 2));
    REQUIRE(up.is_message());
    CHECK(up.json().at("childDeviceMessage").at("payload") == "AP8=");
    CHECK(up.message.timestamp == kNow);
  }
}
