#pragma once
// The body of a binary message as a device message (wire.md 5.3, 5.4).
#include "daemon/codec/message.hpp"
#include "daemon/codec/official/binary_format.hpp"

namespace jl::codec::official {

/// Typed values in one message, at most, keys not counted.
inline constexpr std::size_t kMaxBinaryValues = 65'536;

/// Whether only the platform sends it.
[[nodiscard]] bool is_down_type(FrameType type);

/// Fills `out`, which the caller has cleared and which is meaningless after an error. The text is that of the same
/// message in JSON; BINARY is base64; NaN and the infinities are null, so that one broken sensor does not cost the rest
/// of a report. Nothing is allocated once the buffers of `out` are large enough.
/// `message` is neither a keepalive nor of a down type. `message_id` "" = none.
/// Errors: Errc::invalid: ends early, a type that does not exist, text that is not UTF-8, nested deeper than
/// kMaxJsonDepth, more than kMaxEntries properties or kMaxBinaryValues values.
[[nodiscard]] Status decode_binary(const BinaryMessage& message, std::string_view device_id,
                                   std::string_view message_id, Millis now, DeviceMessage& out);

}  // namespace jl::codec::official
