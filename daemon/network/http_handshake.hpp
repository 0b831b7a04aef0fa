#pragma once
// The WebSocket handshake, server side (RFC 6455 §4.2): what must be in the request, and what goes into the answer.
// Pure.
#include "daemon/network/http_request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jl::network {

/// A handshake that is in order, or why it is not.
struct HttpHandshake {
  HttpRefusal refusal{0};         ///< status 0: it is in order
  std::string accept{};           ///< Sec-WebSocket-Accept
  std::string extensions{};       ///< Sec-WebSocket-Extensions of the answer; "" = none
  std::uint8_t deflate_bits = 0;  ///< permessage-deflate is agreed on: what to compress with; 0 = it is not
};

/// Judges a request whose `Upgrade` names websocket. `compression`: permessage-deflate may be agreed on.
[[nodiscard]] HttpHandshake judge_handshake(const HttpHead& head, bool compression);

/// The Sec-WebSocket-Accept of a key (RFC 6455 §4.2.2). Nothing: the key is not the base64 of 16 bytes.
[[nodiscard]] std::optional<std::string> websocket_accept(std::string_view key);

}  // namespace jl::network
