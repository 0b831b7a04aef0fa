#pragma once
// Small questions about words: ids, names, the nearest match to a mistyped word.
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace jl {

/// Whether this is a resource id: [A-Za-z0-9][A-Za-z0-9._-]{0,63}.
[[nodiscard]] bool is_valid_id(std::string_view id);
/// The number of Unicode code points; npos when the text is not well-formed UTF-8.
[[nodiscard]] std::size_t utf8_length(std::string_view text);
/// Whether the text is well-formed UTF-8 without control characters (tab and newline allowed when `multiline`).
[[nodiscard]] bool is_printable_utf8(std::string_view text, bool multiline = false);
/// Edit distance with transpositions, for names of at most 64 characters (longer ones are cut).
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate nearest to the word, or "" when none is near enough to be a plausible typo.
[[nodiscard]] std::string nearest_word(std::string_view word, std::span<const std::string> candidates);
/// ASCII-only case-insensitive equality.
[[nodiscard]] bool iequals(std::string_view a, std::string_view b);
/// ASCII lower case.
[[nodiscard]] std::string to_lower(std::string_view text);
/// "maxMessageSize" -> "max-message-size": the flag of a field.
[[nodiscard]] std::string kebab_case(std::string_view camel);
/// "a, b, c".
[[nodiscard]] std::string join(std::span<const std::string> words, std::string_view separator = ", ");
/// Shell-style match with * and ? over the whole text.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text);

}  // namespace jl
