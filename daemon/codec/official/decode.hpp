#pragma once
// MQTT messages of devices and of the children behind them (wire.md 2.2 to 2.5).
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// Whether the device or its product asks for the topics and keys of v1 devices (configuration key v1Compat).
[[nodiscard]] bool is_v1_compatible(const DeviceIdentity& device);
/// The QoS of messages to the device (configuration key downQos): 0, 1 or 2; 1 when not set.
[[nodiscard]] int down_qos(const DeviceIdentity& device);

/// Protocol::decode of the official protocol. Errors: Errc::invalid; Errc::denied when the topic names another device
/// (its messages go under child/). `out` is empty after an error.
[[nodiscard]] Result<Decoded> decode_mqtt(const Uplink& wire, const DeviceIdentity& device, Millis now,
                                          DeviceMessage& out, Answer& answer);

}  // namespace jl::codec::official
