#pragma once
// Scalars as the original platform reads them (wire.md 1.1): numbers, strings and booleans stand in for one another
// where the meaning is clear; objects and arrays never do.
#include "daemon/codec/json_document.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jl::codec::official {

/// true, false, "true", "false" in any case, or an integer (0 is false); "" is false.
[[nodiscard]] std::optional<bool> as_bool(const JsonValue& value);
/// An integer within int64, a decimal without its fraction, or a string that holds an integer; "" is 0.
[[nodiscard]] std::optional<std::int64_t> as_integer(const JsonValue& value);
/// A string unescaped, or a number or boolean as it is written.
[[nodiscard]] std::optional<std::string_view> as_text(const JsonValue& value);
/// Appends a scalar as a JSON string.
void append_as_string(std::string& json, const JsonValue& value);

}  // namespace jl::codec::official
