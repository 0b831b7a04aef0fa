#pragma once
// Messages that name their type themselves, as WebSocket carries them (wire.md 3.2): the full message as one JSON
// object, children nested in childDeviceMessage.
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// Decodes one message of `device`. The type is that of messageType, entirely in upper or lower case, or guessed by the
/// members when there is none; an absent deviceId is the device's. Decoded::nothing for types that are none of the
/// protocol's. A CHILD takes messageId and timestamp from what it holds.
/// Errors: Errc::invalid, also for what only the platform sends and for children below 8 levels of children;
/// Errc::denied when it speaks for another device. `out`, cleared first, is empty unless it holds a message.
[[nodiscard]] Result<Decoded> decode_json_message(std::string_view payload, const DeviceIdentity& device, Millis now,
                                                  DeviceMessage& out);

}  // namespace jl::codec::official
