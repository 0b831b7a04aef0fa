#pragma once
// Which extensions a handshake agrees on (RFC 6455 §9): permessage-deflate (RFC 7692) or none. Pure.
#include "common/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jl::wire::websocket {

/// permessage-deflate, without context takeover on either side. The client may use any window: ours to inflate is as
/// large as there is.
struct DeflateAgreement {
  std::uint8_t server_window_bits = 15;  ///< 9 to 15: what the server compresses with
  bool bits_asked = false;               ///< the client set a bound, so the answer must name it (RFC 7692 §7.1.2.1)
};

/// Takes the first acceptable offer out of a Sec-WebSocket-Extensions of a client; several such fields are to be joined
/// with commas. Nothing: the connection goes on without compression. Errors: invalid (not the grammar of RFC 6455
/// §9.1).
[[nodiscard]] Result<std::optional<DeflateAgreement>> choose_deflate(std::string_view offers);

/// The Sec-WebSocket-Extensions of the answer.
[[nodiscard]] std::string describe(const DeflateAgreement& agreement);

}  // namespace jl::wire::websocket
