#pragma once
// Reading values as JetLinks writes them (network.md 1.5): numbers and truth as texts, enumerations as {value, text},
// objects as JSON texts, "" for what was left empty.
#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jl::cli::jetlinks {

namespace json = boost::json;

/// Removes a member and answers its value; null when there is none.
[[nodiscard]] json::value take(json::object& object, std::string_view key);

/// null, "", {} and []: nothing that anybody entered.
[[nodiscard]] bool is_empty(const json::value& value);

/// A text or a whole number as text, without white space around it; anything else is "".
[[nodiscard]] std::string as_text(const json::value& value);
/// The word of an enumeration, be it a text, a number or {value, text}; "" when it is none of these.
[[nodiscard]] std::string as_word(const json::value& value);
/// true, "true"; everything else is not.
[[nodiscard]] bool as_bool(const json::value& value);
/// A whole number, or a text of digits.
[[nodiscard]] std::optional<std::int64_t> as_integer(const json::value& value);
/// The value, or what it says when it is the JSON text of an object or list (a product's metadata).
[[nodiscard]] json::value as_structure(json::value value);

/// A text that stands for a secret that was left out: three or more "*".
[[nodiscard]] bool is_masked(std::string_view text);
/// An expression that JetLinks 1.x filled in from its environment: ${#env['...']}.
[[nodiscard]] bool is_expression(std::string_view text);

}  // namespace jl::cli::jetlinks
