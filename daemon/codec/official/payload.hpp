#pragma once
// One device's message out of its payload, whichever transport brought it: JSON by message type (wire.md 1), or opaque
// bytes for DIRECT.
#include "common/base/result.hpp"
#include "daemon/codec/json_document.hpp"
#include "daemon/codec/message.hpp"

namespace jl::codec::official {

/// Properties, tags, source times, states or collector items of one message, at most.
inline constexpr std::size_t kMaxEntries = 1024;
/// Bytes of a property's or tag's name.
inline constexpr std::size_t kMaxNameBytes = 256;
/// The last millisecond of the year 9999. A time beyond it is not in milliseconds.
inline constexpr Millis kMaxTime = 253'402'300'799'999;

/// What the transport knows about a payload.
struct PayloadContext {
  MessageType type = MessageType::unknown;
  std::string_view device_id;
  std::string_view event;        ///< EVENT only
  Millis now = 0;                ///< stands in for an absent timestamp
  std::size_t levels_above = 0;  ///< objects that will be put around this message
};

/// Fills `out`, which the caller has cleared. `out` is meaningless after an error.
/// Errors: Errc::invalid, with the field at fault.
[[nodiscard]] Status decode_payload(std::string_view payload, const PayloadContext& context, DeviceMessage& out);
/// The same for an object that is parsed already; DIRECT has its bytes as base64 in "payload" then.
[[nodiscard]] Status decode_object(const JsonValue& object, const PayloadContext& context, DeviceMessage& out);

/// Appends the start of a canonical message, its brace left open.
void append_head(std::string& json, MessageType type, std::string_view message_id, std::string_view device_id,
                 Millis timestamp);

/// The messageId of a time-sync request, "" when it has none. Valid until the thread's next parse.
[[nodiscard]] Result<std::string_view> decode_time_sync(std::string_view payload);

}  // namespace jl::codec::official
