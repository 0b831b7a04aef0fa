#include "daemon/access/northbound.hpp"

#include <doctest/doctest.h>

namespace jl::access {
namespace {

using codec::DeviceMessage;
using codec::MessageType;

std::string topic(MessageType type, std::string name = {}) {
  DeviceMessage message;
  message.type = type;
  message.name = std::move(name);
  return topic_of(message, "p", "d");
}

}  // namespace

TEST_SUITE("access.northbound") {
  TEST_CASE("every device message has its topic below /device/ [access 5.6]") {
    CHECK(topic(MessageType::online) == "/device/p/d/online");
    CHECK(topic(MessageType::offline) == "/device/p/d/offline");
    CHECK(topic(MessageType::report_property) == "/device/p/d/message/property/report");
    CHECK(topic(MessageType::read_property_reply) == "/device/p/d/message/property/read/reply");
    CHECK(topic(MessageType::write_property_reply) == "/device/p/d/message/property/write/reply");
    CHECK(topic(MessageType::invoke_function_reply) == "/device/p/d/message/function/reply");
    CHECK(topic(MessageType::event, "alarm") == "/device/p/d/message/event/alarm");
    CHECK(topic(MessageType::update_tag) == "/device/p/d/message/tags/update");
    CHECK(topic(MessageType::derived_metadata) == "/device/p/d/metadata/derived");
    CHECK(topic(MessageType::upgrade_firmware_progress) == "/device/p/d/firmware/progress");
    for (int type = 0; type <= static_cast<int>(MessageType::write_collector_data_reply); ++type) {
      CAPTURE(type);
      CHECK(wire::mqtt::is_valid_topic_name(topic(static_cast<MessageType>(type), "x")));
    }
  }

  TEST_CASE("an event's id makes neither levels nor wildcards") {
    CHECK(topic(MessageType::event, "a/b+c#d") == "/device/p/d/message/event/a_b_c_d");
  }

  TEST_CASE("a command is known by its topic, and nothing else is one [access 5.6]") {
    using Kind = CommandTopic::Kind;
    const auto read = command_of("/device/p/d/message/send/property/read");
    REQUIRE(read.has_value());
    CHECK(read->kind == Kind::read);
    CHECK(read->product_id == "p");
    CHECK(read->device_id == "d");
    CHECK(command_of("/device/p/d/message/send/property/write")->kind == Kind::write);
    CHECK(command_of("/device/p/d/message/send/function")->kind == Kind::invoke);
    for (const char* other :
         {"", "/device", "/device/", "/device/p", "/device/p/d", "/device//d/message/send/function",
          "/device/p//message/send/function", "/device/p/d/message/property/report", "/device/p/d/online",
          "/device/p/d/message/send/function/x", "device/p/d/message/send/function"}) {
      CAPTURE(other);
      CHECK_FALSE(command_of(other).has_value());
    }
  }
}

}  // namespace jl::access
