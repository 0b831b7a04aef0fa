#pragma once
// Man pages in the man(7) macros.
#include <string>
#include <string_view>

namespace jl::cli {

/// jlctl(1): the program, its top-level commands, exit codes and errors.
[[nodiscard]] std::string main_page();
/// jlctl-NOUN(1).
[[nodiscard]] std::string noun_page(std::string_view noun);

}  // namespace jl::cli
