#pragma once
// One run of jlctl, from the words of the command line to the exit code.
#include "cli/environment.hpp"

#include <string>
#include <vector>

namespace jl::cli {

/// Runs jlctl with the words after the program's name. Throws nothing. The exit code is that of `jlctl help
/// exit-codes`.
[[nodiscard]] int run(const std::vector<std::string>& words, const Environment& env);

}  // namespace jl::cli
