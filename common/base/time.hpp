#pragma once
// Times and durations as people and JSON write them. A Millis is Unix epoch milliseconds, UTC.
#include "common/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace jl {

using Millis = std::int64_t;

/// RFC 3339 in UTC with milliseconds: "2026-01-31T12:00:00.250Z".
[[nodiscard]] std::string format_time(Millis time);
/// RFC 3339 date-time with any offset; a bare date means midnight UTC; digits alone are epoch milliseconds.
[[nodiscard]] Result<Millis> parse_time(std::string_view text);
/// "250ms", "30s", "5m", "1h30m", "7d", or a bare number of seconds ("1.5"). Not negative.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);
/// The shortest exact form that parse_duration reads: "1h30m", "0s".
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);

}  // namespace jl
