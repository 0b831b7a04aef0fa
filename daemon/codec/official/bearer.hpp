#pragma once
// Bearer tokens: how HTTP and WebSocket devices of the official protocol prove who they are (wire.md 3.1, 3.2).
#include "daemon/codec/protocol.hpp"

namespace jl::codec::official {

/// The token of "Bearer <token>", the scheme in any case; nothing when the header is of another form.
[[nodiscard]] std::optional<std::string_view> bearer_token(std::string_view authorization);

/// Checks the token of a WebSocket handshake against bearer_token: the query parameter `token`, percent-decoded, or the
/// Authorization header (an addition of ours). A '+' in the query is a plus, not a space. The path must name the
/// device.
[[nodiscard]] AuthOutcome authenticate(const WebSocketCredentials& credentials, const DeviceIdentity& device);

}  // namespace jl::codec::official
