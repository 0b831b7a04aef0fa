#include "cli/output/colour.hpp"

#include <algorithm>
#include <array>

namespace jl::cli {

bool wants_colour(const Environment& env, std::string_view setting, bool is_tty) {
  if (setting == "always") return true;
  if (setting == "never") return false;
  if (const std::string force = env.variable_or_empty("CLICOLOR_FORCE"); !force.empty() && force != "0") return true;
  if (!env.variable_or_empty("NO_COLOR").empty()) return false;
  if (env.variable_or_empty("TERM") == "dumb") return false;
  return is_tty;
}

std::string styled(std::string_view text, Style style, bool enabled) {
  if (!enabled || text.empty()) return std::string(text);
  static constexpr std::array<std::string_view, 5> kCodes{"\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[2m"};
  return std::string(kCodes[static_cast<std::size_t>(style)]).append(text).append("\x1b[0m");
}

std::string styled_state(std::string_view word, std::string_view shown, bool enabled) {
  static constexpr std::array<std::string_view, 7> kGood{"running", "online",  "ready",    "ok",
                                                         "created", "applied", "connected"};
  static constexpr std::array<std::string_view, 6> kBad{"failed",  "ERROR",   "deleted",
                                                        "corrupt", "expired", "unreadable"};
  static constexpr std::array<std::string_view, 6> kWarn{"waiting", "WARN",     "connecting",
                                                         "offline", "expiring", "not_yet_valid"};
  if (std::ranges::find(kGood, word) != kGood.end()) return styled(shown, Style::good, enabled);
  if (std::ranges::find(kBad, word) != kBad.end()) return styled(shown, Style::bad, enabled);
  if (std::ranges::find(kWarn, word) != kWarn.end()) return styled(shown, Style::warn, enabled);
  return std::string(shown);
}

}  // namespace jl::cli
