#pragma once
// Which reason code may stand in which packet (MQTT 5 §2.4, table 2-6).
#include "daemon/wire/mqtt/encode.hpp"
#include "daemon/wire/mqtt/packet.hpp"

namespace jl::wire::mqtt {

/// Whether a client may send the code in this packet.
[[nodiscard]] bool is_client_reason(PacketType type, ReasonCode reason);
/// The code itself where a server may send it in this packet, else the nearest that it may.
[[nodiscard]] ReasonCode fit_server_reason(PacketType type, ReasonCode reason);

}  // namespace jl::wire::mqtt
