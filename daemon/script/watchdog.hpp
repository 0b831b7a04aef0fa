#pragma once
// One thread of the process looks after all running scripts: it asks an engine to stop its script when the time of the
// call is over or the process has grown too much during it. It sleeps while no script runs.
//
// Time is what the script's thread has spent on it: on a machine that has no time for us, a harmless script does
// nothing wrong by taking long. kPatience times that on the clock is the end in any case.
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <mutex>
#include <vector>

struct JSContext;

namespace jl::script {

/// What the watchdog sees of one engine.
struct Watch {
  /// Of the calling thread.
  explicit Watch(JSContext* context);

  JSContext* const cx;
  std::atomic<std::int64_t> deadline{0};               ///< steady nanoseconds; 0 while no script runs
  std::atomic<std::int64_t> limit{0};                  ///< nanoseconds of the call that runs
  std::atomic<std::uint64_t> call{0};                  ///< counts calls
  std::atomic<std::uint64_t> late{~std::uint64_t{0}};  ///< the call that is out of time
  std::atomic<std::uint64_t> grew{~std::uint64_t{0}};  ///< the call during which the process grew too much

 private:
  friend class Watchdog;
  clockid_t cpu_{};  // of the engine's thread
  bool has_cpu_ = false;
  std::uint64_t seen_call_ = 0;
  std::int64_t spent_ = 0;    // by the thread, when seen_call_ was seen first
  std::size_t resident_ = 0;  // bytes, when seen_call_ was seen first
};

class Watchdog {
 public:
  /// By how much the whole process may grow during one call of a script: what its strings and arrays take outside of
  /// the engine's own heap shows nowhere else.
  static constexpr std::size_t kGrowth = std::size_t{256} << 20u;
  /// How much longer than its limit a call may last that has not had the processor for so long.
  static constexpr std::int64_t kPatience = 10;

  /// The process's one; lives until its end.
  static Watchdog& instance();

  void add(Watch& watch);
  void remove(Watch& watch);
  /// A call began; its deadline is already set. Cheap while the watchdog is awake.
  void wake();

  /// Steady nanoseconds.
  [[nodiscard]] static std::int64_t now();

 private:
  Watchdog();
  void run();
  bool look();
  static bool is_late(const Watch& watch, std::int64_t deadline);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Watch*> watches_;
  std::atomic<bool> asleep_{true};
};

}  // namespace jl::script
