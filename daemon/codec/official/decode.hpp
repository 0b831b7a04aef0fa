#pragma once
// MQTT messages of devices and of the children behind them (wire.md 2.2 to 2.5), and what HTTP and CoAP, whose paths
// are the same topics, share with them.
#include "daemon/codec/official/topics.hpp"
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// Whether the device or its product asks for the topics and keys of v1 devices (configuration key v1Compat).
[[nodiscard]] bool is_v1_compatible(const DeviceIdentity& device);
/// The QoS of messages to the device (configuration key downQos): 0, 1 or 2; 1 when not set.
[[nodiscard]] int down_qos(const DeviceIdentity& device);

/// Decodes the payload of a topic of Kind::message into `out`, which the caller has cleared and which is empty after an
/// error. Errors: Errc::invalid.
[[nodiscard]] Status decode_topic(const TopicMatch& topic, std::string_view payload, Millis now, DeviceMessage& out);

/// Appends the answer to a time-sync request: {"messageId","timestamp"}, the first left out when it is "".
void append_time(std::string& json, std::string_view message_id, Millis now);

/// Protocol::decode of the official protocol. Errors: Errc::invalid; Errc::denied when the topic names another device
/// (its messages go under child/). `out` is empty after an error.
[[nodiscard]] Result<Decoded> decode_mqtt(const Uplink& wire, const DeviceIdentity& device, Millis now,
                                          DeviceMessage& out, Answer& answer);

}  // namespace jl::codec::official
