#pragma once
// The fields that messages from devices have, and which type has which (wire.md 1.2, 6).
#include "daemon/codec/message.hpp"

#include <array>
#include <cstdint>
#include <string_view>

namespace jl::codec::official {

enum class Field : std::uint8_t {
  message_id,
  timestamp,
  code,
  headers,
  success,
  message,
  properties,
  property_source_times,
  property_states,
  data,
  function_id,
  output,
  tags,
  metadata,
  all,
  log,
  state,
  version,
  progress,
  complete,
  error_reason,
  firmware_id,
  current_version,
  request_version,
  payload,
  none_  // not a field: how many there are
};
inline constexpr auto kFieldCount = static_cast<std::size_t>(Field::none_);

using FieldMask = std::uint32_t;
static_assert(kFieldCount <= 32);
[[nodiscard]] constexpr FieldMask bit(Field field) { return FieldMask{1} << static_cast<unsigned>(field); }

/// `,"messageId":` and so on, in the order of Field.
inline constexpr std::array<std::string_view, kFieldCount> kFieldTexts{R"(,"messageId":)",
                                                                       R"(,"timestamp":)",
                                                                       R"(,"code":)",
                                                                       R"(,"headers":)",
                                                                       R"(,"success":)",
                                                                       R"(,"message":)",
                                                                       R"(,"properties":)",
                                                                       R"(,"propertySourceTimes":)",
                                                                       R"(,"propertyStates":)",
                                                                       R"(,"data":)",
                                                                       R"(,"functionId":)",
                                                                       R"(,"output":)",
                                                                       R"(,"tags":)",
                                                                       R"(,"metadata":)",
                                                                       R"(,"all":)",
                                                                       R"(,"log":)",
                                                                       R"(,"state":)",
                                                                       R"(,"version":)",
                                                                       R"(,"progress":)",
                                                                       R"(,"complete":)",
                                                                       R"(,"errorReason":)",
                                                                       R"(,"firmwareId":)",
                                                                       R"(,"currentVersion":)",
                                                                       R"(,"requestVersion":)",
                                                                       R"(,"payload":)"};

/// The field's key with comma, quotes and colon.
[[nodiscard]] constexpr std::string_view field_text(Field field) {
  return kFieldTexts[static_cast<std::size_t>(field)];
}
/// The field's key.
[[nodiscard]] constexpr std::string_view field_key(Field field) {
  const std::string_view text = field_text(field);
  return text.substr(2, text.size() - 4);
}
/// The field of a key; none_ for keys that no message has.
[[nodiscard]] Field field_from(std::string_view key);
/// The fields that are read from messages of this type; what else they hold is ignored.
[[nodiscard]] FieldMask fields_of(MessageType type);

}  // namespace jl::codec::official
