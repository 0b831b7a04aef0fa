#pragma once
// The world around one run of jlctl: descriptors, terminal, environment variables. Tests make their own.
#include <functional>
#include <optional>
#include <string>

namespace jl::cli {

struct Environment {
  int in = 0;
  int out = 1;
  int err = 2;
  bool in_is_tty = false;
  bool out_is_tty = false;
  bool err_is_tty = false;
  std::size_t columns = 80;  ///< of the terminal that stdout is; matters only when it is one
  std::size_t rows = 24;
  /// The value of an environment variable, if it is set.
  std::function<std::optional<std::string>(const char* name)> variable;

  /// The value of a variable, or "" when unset.
  [[nodiscard]] std::string variable_or_empty(const char* name) const { return variable(name).value_or(std::string()); }
};

/// What this process was started with.
[[nodiscard]] Environment process_environment();

}  // namespace jl::cli
