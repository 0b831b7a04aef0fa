#include "daemon/codec/message.hpp"

#include <doctest/doctest.h>

using namespace jl::codec;

TEST_SUITE("codec.message") {
  TEST_CASE("every message type has one word that reads back [wire.md 1.2]") {
    int types = 0;
    for (int i = 0; i <= static_cast<int>(MessageType::write_collector_data_reply); ++i, ++types) {
      const auto type = static_cast<MessageType>(i);
      CHECK(message_type_from(to_string(type)) == type);
    }
    CHECK(types == 37);
    CHECK(to_string(MessageType::unregister_device) == "UN_REGISTER");
    CHECK(to_string(MessageType::register_device) == "REGISTER");
    CHECK(to_string(MessageType::upgrade_firmware_progress) == "UPGRADE_FIRMWARE_PROGRESS");
  }

  TEST_CASE("a message type is spelled entirely in upper or entirely in lower case [wire.md 3.2]") {
    CHECK(message_type_from("report_property") == MessageType::report_property);
    CHECK(!message_type_from("Report_Property"));
    CHECK(!message_type_from("BROADCAST"));
    CHECK(!message_type_from(""));
  }

  TEST_CASE("directions and replies are those of the table [wire.md 1.2]") {
    CHECK(is_upstream(MessageType::report_property));
    CHECK(is_upstream(MessageType::child));
    CHECK(is_upstream(MessageType::request_firmware));
    CHECK(!is_upstream(MessageType::read_property));
    CHECK(!is_upstream(MessageType::request_firmware_reply));
    CHECK(!is_upstream(MessageType::disconnect));
    CHECK(is_reply(MessageType::child_reply));
    CHECK(is_reply(MessageType::request_firmware_reply));
    CHECK(!is_reply(MessageType::upgrade_firmware_progress));
    CHECK(!is_reply(MessageType::child));
  }

  TEST_CASE("a cleared message keeps its buffers and its child for reuse") {
    DeviceMessage message;
    message.type = MessageType::child;
    message.json.assign(4096, 'x');
    message.message_id = "m";
    message.success = false;
    message.number = 7;
    message.headers.force = true;
    message.properties.push_back({"a", "1", 5});
    message.child = std::make_unique<DeviceMessage>();
    message.has_child = true;
    const auto capacity = message.json.capacity();
    message.clear();
    CHECK(message.json.empty());
    CHECK(message.json.capacity() == capacity);
    CHECK(message.child != nullptr);
    CHECK(!message.has_child);
    CHECK(message.type == MessageType::unknown);
    CHECK(message.message_id.empty());
    CHECK(message.success);
    CHECK(message.number == 0);
    CHECK(!message.headers.force);
    CHECK(message.properties.empty());
  }
}
