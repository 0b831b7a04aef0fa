#pragma once
// Text on a terminal: how many columns it takes, cutting it, and making text of strangers harmless.
#include <string>
#include <string_view>

namespace jl::cli {

/// Columns that a UTF-8 text takes: 2 for East Asian wide characters, 0 for combining ones.
[[nodiscard]] std::size_t display_width(std::string_view text);
/// The text cut to at most that many columns, with "…" at the end when something was cut.
[[nodiscard]] std::string cut_to_width(std::string_view text, std::size_t columns);
/// The text with control characters and broken UTF-8 written as \n, \t, \x1b: what devices send must not steer a
/// terminal and must not break a table.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace jl::cli
