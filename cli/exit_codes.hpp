#pragma once
// What the exit codes mean, for help and man pages. The codes of errors come from common/base/error.
#include <span>
#include <string_view>

namespace jl::cli {

struct ExitCode {
  int code;
  std::string_view word;
  std::string_view meaning;
};

[[nodiscard]] std::span<const ExitCode> exit_codes();

}  // namespace jl::cli
