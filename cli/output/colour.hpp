#pragma once
// When to colour and how. Colour only repeats what the words say.
#include "cli/environment.hpp"

#include <string>
#include <string_view>

namespace jl::cli {

/// Whether a stream gets colour. `setting` is auto, always or never: it beats CLICOLOR_FORCE, which beats NO_COLOR and
/// TERM=dumb, which beat the terminal.
[[nodiscard]] bool wants_colour(const Environment& env, std::string_view setting, bool is_tty);

enum class Style : std::uint8_t { bold, good, bad, warn, dim };

[[nodiscard]] std::string styled(std::string_view text, Style style, bool enabled);
/// The style of a word of state: running, failed, ...; nothing special for others.
[[nodiscard]] std::string styled_state(std::string_view word, std::string_view shown, bool enabled);

}  // namespace jl::cli
