#pragma once
// What MQTT allows in its strings (MQTT 5 §1.5.4), found a machine word at a time because every topic passes here.
#include <cstdint>
#include <string_view>

namespace jl::wire::mqtt {

/// What a string holds that may matter.
struct TextTraits {
  bool well_formed = false;  ///< UTF-8 without overlong forms, surrogates and U+0000
  bool wildcard = false;     ///< '+' or '#' somewhere
};
[[nodiscard]] TextTraits inspect_text(std::string_view text);

/// Whether the text is a UTF-8 Encoded String of MQTT. Control characters are allowed (the standard says SHOULD NOT).
[[nodiscard]] inline bool is_valid_text(std::string_view text) { return inspect_text(text).well_formed; }

}  // namespace jl::wire::mqtt
