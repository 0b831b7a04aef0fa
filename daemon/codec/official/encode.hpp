#pragma once
// Messages to devices as JSON: on the topics of MQTT (wire.md 2.3 to 2.5), whole for WebSocket (3.2) and CoAP.
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// Protocol::encode for MQTT. Null fields, replyType, thingType and internal headers (`_`-prefixed, token) are left
/// out; everything else of the body is sent.
/// Errors: Errc::unsupported_message when the type has no topic; Errc::invalid when the body names another device, or
/// a child or product id that cannot stand in a topic.
[[nodiscard]] Result<Encoded> encode_mqtt(const DownMessage& message, const DeviceIdentity& device);

/// The same message as one JSON object with its messageType, those to children nested in CHILD. Errors as above.
[[nodiscard]] Result<Encoded> encode_json(const DownMessage& message, const DeviceIdentity& device,
                                          Transport transport);

}  // namespace jl::codec::official
