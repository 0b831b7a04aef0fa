#pragma once
// CoAP devices (wire.md 4): POST to the topic as path, the payload encrypted with the device's key and JSON or CBOR
// inside. Additions of ours: after DTLS with the device's key the payload is plain, and messages go down as JSON, in
// the same wrapping, to whom observes for them.
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// The product and device whose key a message is read with: option 2100 if given, else the path's.
[[nodiscard]] std::optional<TopicOwner> coap_owner(const Uplink& wire);

/// Protocol::decode. `answer` has the response code, and the time when that was asked for, which is never encrypted.
/// Option 2100 may name the gateway of the path's device: the message is a CHILD then, and whether it may speak for
/// that child is the caller's question. Errors: Errc::invalid (4.00), Errc::denied when path, option or DTLS name
/// another device (4.01).
[[nodiscard]] Result<Decoded> decode_coap(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out,
                                          Answer& answer);

/// Protocol::refuse: 4.04 for a path without a device, 4.01 for an unknown one, 5.03 when the failure is ours.
void refuse_coap(Stranger why, Answer& answer);

/// Protocol::encode. Errors: those of encode_json; Errc::unsupported_message when there is no key to encrypt with.
[[nodiscard]] Result<Encoded> encode_coap(const DownMessage& message, const Peer& peer);

}  // namespace jl::codec::official
