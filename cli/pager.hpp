#pragma once
// Long texts for people: through a pager when there is a terminal to page on and the user named one.
#include "cli/environment.hpp"

#include <string_view>

namespace jl::cli {

/// Writes a text to standard output. Through $JLCTL_PAGER, else $PAGER, if `may_page`, both standard input and output
/// are terminals and the text is longer than the screen. False when it could not be written.
bool show_text(const Environment& env, std::string_view text, bool may_page);

}  // namespace jl::cli
