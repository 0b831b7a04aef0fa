#pragma once
// A ClientHello at the start of a datagram, as far as is needed to know it before there is a session (RFC 6347 §4.2.2).
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace jl::network {

/// Chosen by the client for each handshake, the same with and without a cookie.
using ClientRandom = std::array<unsigned char, 32>;

/// Whether a datagram begins with a DTLS handshake record in the clear that holds a ClientHello, or its first fragment,
/// and which. No more is checked than that; nothing of what is longer is read.
[[nodiscard]] std::optional<ClientRandom> find_client_hello(std::string_view datagram);

}  // namespace jl::network
