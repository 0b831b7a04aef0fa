#pragma once
// The device message: what every protocol decodes to and encodes from (access.md 5.6, wire.md 1).
// One DeviceMessage is reused for many messages of a thread: clear() keeps its buffers.
#include "common/base/time.hpp"

#include <boost/json.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::codec {

/// Message types, spelled on the wire as the enumerators in upper case ("REPORT_PROPERTY").
enum class MessageType : std::uint8_t {
  unknown,
  report_property,
  read_property,
  read_property_reply,
  write_property,
  write_property_reply,
  invoke_function,
  invoke_function_reply,
  event,
  online,
  offline,
  register_device,
  unregister_device,
  update_tag,
  derived_metadata,
  log,
  direct,
  state_check,
  state_check_reply,
  disconnect,
  disconnect_reply,
  child,
  child_reply,
  read_firmware,
  read_firmware_reply,
  report_firmware,
  request_firmware,
  request_firmware_reply,
  upgrade_firmware,
  upgrade_firmware_reply,
  upgrade_firmware_progress,
  acknowledge,
  report_collector,
  read_collector_data,
  read_collector_data_reply,
  write_collector_data,
  write_collector_data_reply,
};
[[nodiscard]] std::string_view to_string(MessageType type);
[[nodiscard]] std::optional<MessageType> message_type_from(std::string_view word);
[[nodiscard]] bool is_reply(MessageType type);
/// Whether devices send this type (up); requests to devices are down only.
[[nodiscard]] bool is_upstream(MessageType type);

/// The headers of wire.md 1.4 that jlinkd acts upon.
struct MessageHeaders {
  bool keep_online = false;
  std::int32_t keep_online_timeout_seconds = 600;
  bool force = false;
  bool ignore_session = false;
  bool ignore_storage = false;
  bool ignore_log = false;
  bool ignore_if_offline = false;
  bool reply_no_message_id = false;
  std::string product_id;
  std::string device_name;
  std::string frag_msg_id;
  std::int32_t frag_num = 0;
  std::int32_t frag_part = 0;
  bool frag_last = false;
  /// The whole headers object as JSON text, without null entries and `token`; "" when absent. Registration finds the
  /// device's credentials here, so this is never stored or shown: DeviceMessage::json has it with secrets as "***".
  std::string raw;

  void clear() { *this = MessageHeaders{}; }
};

/// One property of a report, tag update or read/write reply. Views point into DeviceMessage::json.
struct PropertyView {
  std::string_view name;   ///< unescaped when it needed no escapes, else points into DeviceMessage::scratch
  std::string_view value;  ///< JSON text
  Millis source_time = 0;  ///< propertySourceTimes, 0 when absent
};

struct DeviceMessage {
  MessageType type = MessageType::unknown;
  std::string device_id;
  std::string message_id;   ///< "" when absent
  Millis timestamp = 0;     ///< the device's, or the receive time
  bool success = true;      ///< replies and firmware progress
  std::string code;         ///< replies
  std::string text;         ///< the reply's "message" or "errorReason"
  std::string name;         ///< event id, function id, firmware version: what the type is about
  std::int64_t number = 0;  ///< state of STATE_CHECK_REPLY, progress of UPGRADE_FIRMWARE_PROGRESS
  MessageHeaders headers;
  std::vector<PropertyView> properties;
  /// The whole message as canonical JSON text: what is stored, tailed and published. For CHILD it contains the nested
  /// one.
  std::string json;
  std::string scratch;  ///< backing for views that needed unescaping
  /// CHILD and CHILD_REPLY: the nested message.
  std::unique_ptr<DeviceMessage> child;
  bool has_child = false;  ///< `child` is valid (it is kept for reuse)
  /// What the same bytes of a device hold besides, in order.
  std::unique_ptr<DeviceMessage> next;
  bool has_next = false;  ///< `next` is valid (it is kept for reuse)

  void clear();
};

/// A message to a device, built by services: rare, so a JSON object serves. The keys are those of wire.md 1.2
/// (messageType, messageId, deviceId, timestamp, properties, functionId, inputs, childDeviceMessage, headers...).
struct DownMessage {
  MessageType type = MessageType::unknown;
  boost::json::object body;
};

}  // namespace jl::codec
