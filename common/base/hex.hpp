#pragma once
// Bytes as hex digits.
#include <optional>
#include <string>
#include <string_view>

namespace jl {

/// Lower-case digits, two for each byte: "0a1b".
[[nodiscard]] std::string to_hex(std::string_view bytes);
/// Reads digits of any case, two for each byte; white space, ':' and ',' between digits and "0x" in front are passed
/// over. Nothing when there is anything else, or an odd number of digits.
[[nodiscard]] std::optional<std::string> from_hex(std::string_view text);

}  // namespace jl
