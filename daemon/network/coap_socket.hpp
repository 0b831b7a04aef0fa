#pragma once
// The UDP socket below libcoap. libcoap makes it, shares its address (SO_REUSEADDR), leaves it open for children and
// does not show it; here it is found among what the context's epoll watches and put right.
#include "common/base/result.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <cstdint>
#include <string>

namespace jl::network {

/// An address to bind to.
struct BindAddress {
  sockaddr_storage address{};
  socklen_t size = 0;
};

/// The first address of `host` that can be bound now, by trying: libcoap itself would share the port with another
/// process. `port` 0 = any free one. Errors: address_in_use, denied, network, invalid (host).
[[nodiscard]] Result<BindAddress> find_bind_address(const std::string& host, std::uint16_t port);

/// The UDP socket that an epoll descriptor watches, -1 when it cannot be found; everything that it watches, and itself,
/// is closed in children from now on.
[[nodiscard]] int find_udp_socket(int epoll);

/// Ends the sharing of the port, asks for a larger receive buffer, and returns the port.
[[nodiscard]] std::uint16_t take_over(int udp_socket);

/// Has the kernel drop, on a socket of CoAP in the clear, what libcoap 4.3.1 would answer or obey against the RFCs:
/// other versions (RFC 7252 §3: ignored), acknowledgements and resets that are malformed or carry a request (§4.2:
/// ignored), and signalling (RFC 8323 §5 has it on TCP only), with which a forged datagram could end a session or
/// change its message size. Whether that worked.
bool drop_malformed(int udp_socket);

}  // namespace jl::network
