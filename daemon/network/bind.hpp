#pragma once
// Binding sockets to the host and port that a component is configured with, TCP or UDP, and the words for why that
// failed.
#include "common/base/result.hpp"

#include <netdb.h>
#include <cstdint>
#include <functional>
#include <string>

namespace jl::network {

/// Resolves the host for sockets of this type (SOCK_STREAM, SOCK_DGRAM) and offers its addresses to `open` until one
/// is taken. `open` makes and binds what it needs, and returns 0 or the errno of what failed.
/// Errors: address_in_use, denied (privileged port), network (anything else of bind), invalid (host).
[[nodiscard]] Status bind_host(const std::string& host, std::uint16_t port, int type,
                               const std::function<int(const addrinfo&)>& open);

/// Of a bound socket; 0 when it is none.
[[nodiscard]] std::uint16_t bound_port(int fd);

}  // namespace jl::network
