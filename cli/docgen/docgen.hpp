#pragma once
// Man pages and completion scripts out of the tables, for `jlctl __docgen DIR`.
#include "common/base/result.hpp"

#include <map>
#include <string>

namespace jl::cli {

/// Path below the project -> text: "man/jlctl.1", "completions/_jlctl".
[[nodiscard]] std::map<std::string, std::string> generated_documents();
/// Writes them all below a folder. Errors: output.
[[nodiscard]] Status write_documents(const std::string& folder);

}  // namespace jl::cli
