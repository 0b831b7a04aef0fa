#pragma once
// Messages to MQTT devices and to the children behind them (wire.md 2.3 to 2.5).
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// Protocol::encode of the official protocol. Null fields, replyType, thingType and internal headers (`_`-prefixed,
/// token) are left out; everything else of the body is sent.
/// Errors: Errc::unsupported_message when the type has no topic; Errc::invalid when the body names another device, or
/// a child or product id that cannot stand in a topic.
[[nodiscard]] Result<Encoded> encode_mqtt(const DownMessage& message, const DeviceIdentity& device);

}  // namespace jl::codec::official
