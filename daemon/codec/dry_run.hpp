#pragma once
// A protocol tried on bytes or a message, without a device: what `protocol decode`, `protocol encode` and a package's
// own test cases show.
#include "daemon/codec/protocol.hpp"

#include <boost/json.hpp>

namespace jl::codec {

/// A message as a device would send it.
struct DryUplink {
  Transport transport{};
  std::string payload, topic, method, query, authorization;
  int content_format = -1;

  [[nodiscard]] Uplink view() const {
    return {topic, payload, transport, method, authorization, query, content_format};
  }
};

/// The "error" of a message that decodes but names no device.
inline constexpr std::string_view kNamesNobody = "the message names no device; say which one sends it";

/// Decodes; without a device the one that the message names, if any. {"device", "messages":[...], "sent":[...],
/// "response":{status, body}, "closes", "error"}; members that say nothing are left out, "messages" never. `sent` is a
/// list of {"hex", "text", "json", "topic"}; text and json only where the bytes are that.
[[nodiscard]] boost::json::object dry_decode(const Protocol& protocol, const DryUplink& wire,
                                             const DeviceIdentity* device, CodecState* state, Millis now);

/// Encodes. {"sent":[...], "replies":[...], "disconnects", "error"}.
[[nodiscard]] boost::json::object dry_encode(const Protocol& protocol, const DownMessage& message, Transport transport,
                                             const DeviceIdentity& device, CodecState* state);

/// A device message as people write it: its messageType, or what its members tell; messageId and timestamp filled in.
/// Errors: invalid (no object, no known type, one that devices send).
[[nodiscard]] Result<DownMessage> read_down_message(const boost::json::value& document, const DeviceIdentity& device,
                                                    Millis now);

}  // namespace jl::codec
