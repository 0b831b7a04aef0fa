#include "daemon/codec/official/children.hpp"

#include "daemon/codec/official/payload.hpp"

namespace jl::codec::official {

DeviceMessage& nested_message(DeviceMessage& parent) {
  if (!parent.child) parent.child = std::make_unique<DeviceMessage>();
  parent.child->clear();
  return *parent.child;
}

void wrap_child(DeviceMessage& parent, std::string_view device_id, bool is_reply) {
  const DeviceMessage& child = *parent.child;
  parent.type = is_reply ? MessageType::child_reply : MessageType::child;
  parent.device_id = device_id;
  parent.message_id = child.message_id;
  parent.timestamp = child.timestamp;
  parent.has_child = true;
  append_head(parent.json, parent.type, parent.message_id, device_id, parent.timestamp);
  if (is_reply) parent.json += R"(,"success":true)";
  parent.json += R"(,"childDeviceMessage":)";
  parent.json += child.json;
  parent.json += '}';
}

}  // namespace jl::codec::official
