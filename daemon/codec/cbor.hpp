#pragma once
// CBOR (RFC 8949) to the JSON text that the rest of the codec reads, and the little CBOR that is answered. libcbor
// reads the items; what they add up to, and how much of it, is judged here.
#include "common/base/result.hpp"
#include "common/base/time.hpp"

#include <string>
#include <string_view>

namespace jl::codec {

/// Items of one document, at most: with few bytes each, they cost far more as JSON.
inline constexpr std::size_t kMaxCborItems = 65'536;

/// Replaces `json` by the text of the one item that `bytes` hold. Lengths may be indefinite, floats of any size; byte
/// strings become base64, tags are skipped, undefined, NaN and the infinities become null. Integers are exact. Keys
/// given twice and text that is not UTF-8 go through: the reader of the JSON refuses them. Errors: Errc::invalid: not
/// well-formed, followed by more bytes, a key that is not text, an integer below int64, nested deeper than
/// kMaxJsonDepth, more than kMaxCborItems.
[[nodiscard]] Status cbor_to_json(std::string_view bytes, std::string& json);

/// Appends the map {"messageId": ..., "timestamp": ...}, the first left out when it is "".
void append_cbor_time(std::string& bytes, std::string_view message_id, Millis timestamp);

}  // namespace jl::codec
