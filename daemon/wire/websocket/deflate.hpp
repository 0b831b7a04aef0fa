#pragma once
// The compression of permessage-deflate without context takeover (RFC 7692 §7.1.1): every message stands alone, so that
// no connection owns a compressor. The streams belong to the calling thread, which makes them when it first needs them
// and keeps them.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace jl::wire::websocket {

enum class InflateResult : std::uint8_t { ok, malformed, too_large, no_memory };

/// Decompresses the payload of a message into `out`, which it replaces. `most` bounds what comes out, in bytes; what is
/// longer is not decompressed any further.
[[nodiscard]] InflateResult inflate_message(std::string_view payload, std::size_t most, std::string& out);

/// Compresses a message into `out`, which it replaces. `window_bits` is 9 to 15. False, with nothing of use in `out`:
/// it does not get smaller.
[[nodiscard]] bool deflate_message(std::string_view message, int window_bits, std::string& out);

}  // namespace jl::wire::websocket
