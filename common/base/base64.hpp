#pragma once
// Base64 (RFC 4648 section 4).
#include "common/base/result.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace jl {

/// Padded, without line ends.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// The same at the end of a buffer that the caller reuses.
void append_base64(std::string& text, std::string_view bytes);

/// The bytes of a text that to_base64() can have written, and of no other: one text for one value, which is what is
/// asked of stored and signed things.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

/// The bytes of a text as people paste it: white space anywhere, padding or none. Errors: Errc::invalid, with the
/// character at fault.
[[nodiscard]] Result<std::string> from_pasted_base64(std::string_view text);

}  // namespace jl
