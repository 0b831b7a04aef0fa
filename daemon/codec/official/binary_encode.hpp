#pragma once
// Messages to devices in the binary format (wire.md 5).
#include "daemon/codec/official/binary_format.hpp"
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// Bytes of a UDP datagram, at most (IPv4).
inline constexpr std::size_t kMaxDatagram = 65'507;

/// An ack as TCP frame or UDP datagram; the datagram's key is left empty.
void append_ack(std::string& bytes, Transport transport, AckCode code, Millis now, std::uint16_t sequence,
                std::string_view device_id);

/// Protocol::encode for TCP and UDP: READ_PROPERTY, WRITE_PROPERTY, INVOKE_FUNCTION, ACKNOWLEDGE. The peer's state, if
/// any, remembers which sequence number stands for the messageId. Datagrams carry the device's key.
/// Errors: Errc::unsupported_message; Errc::invalid when the body names another device or holds what the format has no
/// form for (text above 65535 bytes, more than 65535 members, integers above int64, nested deeper than kMaxJsonDepth);
/// Errc::too_large for a datagram.
[[nodiscard]] Result<Encoded> encode_binary(const DownMessage& message, Transport transport, const Peer& peer);

}  // namespace jl::codec::official
