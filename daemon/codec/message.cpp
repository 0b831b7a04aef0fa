#include "daemon/codec/message.hpp"

#include "common/base/words.hpp"

#include <algorithm>
#include <array>

namespace jl::codec {
namespace {
enum Flag : std::uint8_t { kDown = 0, kUp = 1, kReply = 2 };

struct TypeRow {
  MessageType type;
  std::string_view word;
  std::uint8_t flags;
};

// wire.md 1.2. REQUEST_FIRMWARE_REPLY is the one reply that travels down; ACKNOWLEDGE has the shape of a reply.
constexpr std::array kTypes{
    TypeRow{MessageType::unknown, "UNKNOWN", kDown},
    TypeRow{MessageType::report_property, "REPORT_PROPERTY", kUp},
    TypeRow{MessageType::read_property, "READ_PROPERTY", kDown},
    TypeRow{MessageType::read_property_reply, "READ_PROPERTY_REPLY", kUp | kReply},
    TypeRow{MessageType::write_property, "WRITE_PROPERTY", kDown},
    TypeRow{MessageType::write_property_reply, "WRITE_PROPERTY_REPLY", kUp | kReply},
    TypeRow{MessageType::invoke_function, "INVOKE_FUNCTION", kDown},
    TypeRow{MessageType::invoke_function_reply, "INVOKE_FUNCTION_REPLY", kUp | kReply},
    TypeRow{MessageType::event, "EVENT", kUp},
    TypeRow{MessageType::online, "ONLINE", kUp},
    TypeRow{MessageType::offline, "OFFLINE", kUp},
    TypeRow{MessageType::register_device, "REGISTER", kUp},
    TypeRow{MessageType::unregister_device, "UN_REGISTER", kUp},
    TypeRow{MessageType::update_tag, "UPDATE_TAG", kUp},
    TypeRow{MessageType::derived_metadata, "DERIVED_METADATA", kUp},
    TypeRow{MessageType::log, "LOG", kUp},
    TypeRow{MessageType::direct, "DIRECT", kUp},
    TypeRow{MessageType::state_check, "STATE_CHECK", kDown},
    TypeRow{MessageType::state_check_reply, "STATE_CHECK_REPLY", kUp | kReply},
    TypeRow{MessageType::disconnect, "DISCONNECT", kDown},
    TypeRow{MessageType::disconnect_reply, "DISCONNECT_REPLY", kUp | kReply},
    TypeRow{MessageType::child, "CHILD", kUp},
    TypeRow{MessageType::child_reply, "CHILD_REPLY", kUp | kReply},
    TypeRow{MessageType::read_firmware, "READ_FIRMWARE", kDown},
    TypeRow{MessageType::read_firmware_reply, "READ_FIRMWARE_REPLY", kUp | kReply},
    TypeRow{MessageType::report_firmware, "REPORT_FIRMWARE", kUp},
    TypeRow{MessageType::request_firmware, "REQUEST_FIRMWARE", kUp},
    TypeRow{MessageType::request_firmware_reply, "REQUEST_FIRMWARE_REPLY", kDown | kReply},
    TypeRow{MessageType::upgrade_firmware, "UPGRADE_FIRMWARE", kDown},
    TypeRow{MessageType::upgrade_firmware_reply, "UPGRADE_FIRMWARE_REPLY", kUp | kReply},
    TypeRow{MessageType::upgrade_firmware_progress, "UPGRADE_FIRMWARE_PROGRESS", kUp},
    TypeRow{MessageType::acknowledge, "ACKNOWLEDGE", kUp | kReply},
    TypeRow{MessageType::report_collector, "REPORT_COLLECTOR", kUp},
    TypeRow{MessageType::read_collector_data, "READ_COLLECTOR_DATA", kDown},
    TypeRow{MessageType::read_collector_data_reply, "READ_COLLECTOR_DATA_REPLY", kUp | kReply},
    TypeRow{MessageType::write_collector_data, "WRITE_COLLECTOR_DATA", kDown},
    TypeRow{MessageType::write_collector_data_reply, "WRITE_COLLECTOR_DATA_REPLY", kUp | kReply},
};

constexpr bool rows_stand_in_enum_order() {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (static_cast<std::size_t>(kTypes[i].type) != i) return false;
  }
  return static_cast<std::size_t>(MessageType::write_collector_data_reply) + 1 == kTypes.size();
}
static_assert(rows_stand_in_enum_order());

const TypeRow& row(MessageType type) {
  const auto index = static_cast<std::size_t>(type);
  return index < kTypes.size() ? kTypes[index] : kTypes[0];
}
}  // namespace

std::string_view to_string(MessageType type) { return row(type).word; }

std::optional<MessageType> message_type_from(std::string_view word) {
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  // wire.md 3.2: entirely upper or entirely lower case; other spellings are ignored.
  if (std::any_of(word.begin(), word.end(), is_upper) && std::any_of(word.begin(), word.end(), is_lower)) return {};
  for (const TypeRow& candidate : kTypes) {
    if (iequals(candidate.word, word)) return candidate.type;
  }
  return {};
}

bool is_reply(MessageType type) { return (row(type).flags & kReply) != 0; }
bool is_upstream(MessageType type) { return (row(type).flags & kUp) != 0; }

void DeviceMessage::clear() {
  type = MessageType::unknown;
  device_id.clear();
  message_id.clear();
  timestamp = 0;
  success = true;
  code.clear();
  text.clear();
  name.clear();
  number = 0;
  headers.clear();
  properties.clear();
  json.clear();
  scratch.clear();
  has_child = has_next = false;
}

}  // namespace jl::codec
