#pragma once
// Who speaks over TCP and UDP, and what is said back (wire.md 5.5 to 5.7): a TCP connection logs in once, a datagram
// proves itself each time.
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// The device that a frame or datagram names. On TCP only a login does; a message without an id names nobody.
[[nodiscard]] std::optional<TopicOwner> binary_owner(const Uplink& wire);

/// Protocol::decode for a TCP frame with its length in front. Before the login everything but keepalives is refused
/// with noAuth; a login with the wrong key, also a later one, closes. What only the platform sends is answered with
/// unsupported.
/// Errors: Errc::invalid; Errc::denied when it names another device.
[[nodiscard]] Result<Decoded> decode_tcp(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out,
                                         Answer& answer);
/// The same for a datagram: each is acknowledged. Keepalives, which prove nothing, are dropped.
[[nodiscard]] Result<Decoded> decode_udp(const Uplink& wire, const Peer& peer, Millis now, DeviceMessage& out,
                                         Answer& answer);

/// Protocol::refuse for both: noAuth, and a login closes. Nothing when the failure is ours but the close: the device
/// comes again.
void refuse_binary(const Uplink& wire, Stranger why, Millis now, Answer& answer);

}  // namespace jl::codec::official
