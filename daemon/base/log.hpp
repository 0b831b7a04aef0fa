#pragma once
// The system log: levelled records with a logger name. They go to stderr (journald-friendly) and to whatever sinks the
// daemon adds (the store). Never blocks the caller for long: sinks are bounded. Messages are "what happened key=value".
#include "common/base/time.hpp"

#include <fmt/format.h>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace jl::log {

enum class Level : std::uint8_t { debug, info, warn, error };
[[nodiscard]] std::string_view to_string(Level level);  ///< DEBUG INFO WARN ERROR, as JetLinks spells them

struct Record {
  Millis time = 0;
  Level level = Level::info;
  std::string_view logger;  ///< folder-like name: "network.mqtt"
  std::string_view message;
};

/// Sets what reaches stderr. Thread-safe.
void set_level(Level level);
[[nodiscard]] bool enabled(Level level);
/// Adds a sink for records of at least this level; the handle removes it. The sink must not log.
[[nodiscard]] std::shared_ptr<void> add_sink(Level least, std::function<void(const Record&)> sink);
/// Writes one record.
void write(Level level, std::string_view logger, std::string_view message);

template <class... Args>
void debug(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::debug)) write(Level::debug, logger, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, logger, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warn, logger, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view logger, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, logger, fmt::format(format, std::forward<Args>(args)...));
}

/// Lets one record per key through every `interval`, counting what it holds back; for what hostile peers can trigger.
class RateLimit {
 public:
  explicit RateLimit(Millis interval = 10'000) : interval_(interval) {}
  /// Whether to log now; `suppressed` is how many were held back since the last time. Thread-safe.
  [[nodiscard]] bool allow(Millis steady_now, std::uint64_t& suppressed);

 private:
  Millis interval_;
  std::atomic<Millis> next_{0};
  std::atomic<std::uint64_t> held_{0};
};

}  // namespace jl::log
