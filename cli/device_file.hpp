#pragma once
// Lists of devices in text files: an id on each line.
#include "common/base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jl::cli {

/// The ids of a text, each once, in their order. Blank lines and what follows a '#' are skipped; lines may end with
/// CRLF, and the text may begin with a byte order mark. `file` is what problems name.
/// Errors: invalid (every line that is no id, with its place; at most 1000 of them, or nothing but comments).
[[nodiscard]] Result<std::vector<std::string>> read_device_list(std::string_view text, const std::string& file);

}  // namespace jl::cli
