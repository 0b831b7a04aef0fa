#pragma once
// Messages of children inside those of their gateways (wire.md 2.5).
#include "daemon/codec/message.hpp"

#include <string_view>

namespace jl::codec::official {

/// The empty message inside `parent`, made when there was none yet, which keeps its buffers.
[[nodiscard]] DeviceMessage& nested_message(DeviceMessage& parent);

/// Makes `parent` a CHILD, or CHILD_REPLY, of `device_id` around the finished message inside it: messageId and
/// timestamp are taken from that one.
void wrap_child(DeviceMessage& parent, std::string_view device_id, bool is_reply);

}  // namespace jl::codec::official
