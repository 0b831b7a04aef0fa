#pragma once
// The scripts in completions/: static, all knowledge is in `jlctl __complete`.
#include <string>
#include <string_view>

namespace jl::cli {

/// The script of bash, zsh or fish; "" for another shell.
[[nodiscard]] std::string completion_script(std::string_view shell);

}  // namespace jl::cli
