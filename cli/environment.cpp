#include "cli/environment.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace jl::cli {

Environment process_environment() {
  Environment env;
  env.in_is_tty = ::isatty(env.in) == 1;
  env.out_is_tty = ::isatty(env.out) == 1;
  env.err_is_tty = ::isatty(env.err) == 1;
  if (env.out_is_tty) {
    winsize size{};
    if (::ioctl(env.out, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
      env.columns = size.ws_col;
      env.rows = size.ws_row;
    }
  }
  env.variable = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value ? std::optional<std::string>(value) : std::nullopt;
  };
  return env;
}

}  // namespace jl::cli
