#include "daemon/base/log.hpp"

#include "daemon/base/clock.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

namespace jl::log {
namespace {

struct Sink {
  Level least;
  std::function<void(const Record&)> write;
};

struct State {
  std::atomic<Level> level{Level::info};
  std::mutex mutex;  // guards the list only; sinks run outside of it
  std::shared_ptr<const std::vector<std::shared_ptr<Sink>>> sinks =
      std::make_shared<std::vector<std::shared_ptr<Sink>>>();
  std::shared_ptr<spdlog::logger> stderr_logger = [] {
    auto logger = std::make_shared<spdlog::logger>("jlinkd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc);
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
    return logger;
  }();
};

State& state() {
  static State instance;
  return instance;
}

}  // namespace

std::string_view to_string(Level level) {
  static constexpr std::array<std::string_view, 4> kWords{"DEBUG", "INFO", "WARN", "ERROR"};
  return kWords[static_cast<std::size_t>(level)];
}

void set_level(Level level) { state().level = level; }
bool enabled(Level level) { return level >= state().level.load(std::memory_order_relaxed); }

std::shared_ptr<void> add_sink(Level least, std::function<void(const Record&)> sink) {
  auto entry = std::make_shared<Sink>(Sink{least, std::move(sink)});
  {
    const std::scoped_lock lock(state().mutex);
    auto next = std::make_shared<std::vector<std::shared_ptr<Sink>>>(*state().sinks);
    next->push_back(entry);
    state().sinks = std::move(next);
  }
  return {entry.get(), [entry](void*) {
            const std::scoped_lock lock(state().mutex);
            auto next = std::make_shared<std::vector<std::shared_ptr<Sink>>>(*state().sinks);
            std::erase(*next, entry);
            state().sinks = std::move(next);
          }};
}

namespace {
bool is_one_line(std::string_view message) {
  return std::ranges::none_of(message, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

// One record is one line, whatever a peer managed to get into it.
std::string one_line(std::string_view message) {
  std::string out;
  for (const char c : message) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out;
}
}  // namespace

void write(Level level, std::string_view logger, std::string_view message) {
  if (enabled(level)) {
    state().stderr_logger->info("{:<5} {}: {}", to_string(level), logger,
                                is_one_line(message) ? std::string(message) : one_line(message));
  }
  std::shared_ptr<const std::vector<std::shared_ptr<Sink>>> sinks;
  {
    const std::scoped_lock lock(state().mutex);
    sinks = state().sinks;
  }
  const Record record{system_clock().now(), level, logger, message};
  for (const auto& sink : *sinks) {
    if (level >= sink->least) sink->write(record);
  }
}

bool RateLimit::allow(Millis steady_now, std::uint64_t& suppressed) {
  Millis next = next_.load(std::memory_order_relaxed);
  if (steady_now < next || !next_.compare_exchange_strong(next, steady_now + interval_)) {
    held_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  suppressed = held_.exchange(0, std::memory_order_relaxed);
  return true;
}

}  // namespace jl::log
