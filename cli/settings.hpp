#pragma once
// jlctl's own settings: flag > JLCTL_* > $XDG_CONFIG_HOME/jlctl/config.yaml > /etc/jlctl/config.yaml > default.
// Never read from the current folder: a checkout must not decide which daemon is talked to.
#include "cli/args.hpp"
#include "cli/environment.hpp"

#include <array>
#include <chrono>
#include <string>

namespace jl::cli {

struct Setting {
  std::string name;
  std::string value;
  std::string origin;  ///< "flag --socket", "environment JLCTL_SOCKET", "/etc/jlctl/config.yaml:3", "default"
};

struct Settings {
  Setting socket{"socket", {}, "default"};
  Setting output{"output", "table", "default"};
  Setting timeout{"timeout", "30s", "default"};
  Setting color{"color", "auto", "default"};

  [[nodiscard]] std::array<const Setting*, 4> all() const { return {&socket, &output, &timeout, &color}; }
  /// 0 = no limit.
  [[nodiscard]] std::chrono::milliseconds time_limit() const;
};

/// parse_duration for texts that have been checked; the fallback for others.
[[nodiscard]] std::chrono::milliseconds duration_or(std::string_view text, std::chrono::milliseconds fallback);

/// The settings for one command; without one, no flags are looked at. Errors: usage (a bad value, with where it
/// stands).
[[nodiscard]] Result<Settings> load_settings(const Environment& env, const Invocation* invocation,
                                             const std::string& system_file = "/etc/jlctl/config.yaml");

}  // namespace jl::cli
