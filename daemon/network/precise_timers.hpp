#pragma once
// Time limits to the millisecond, for what keeps a schedule: a heap of deadlines over one timerfd of an I/O thread.
// Setting costs O(log n). For time limits by the thousand that may be late, use the TimerWheel. One thread only.
#include "common/base/time.hpp"
#include "daemon/network/io_thread.hpp"

#include <cstddef>
#include <functional>
#include <memory>

namespace jl::network {

class PreciseTimers;

/// One deadline. Lives in its owner; going out of scope cancels it.
class PreciseTimer {
 public:
  using Callback = std::function<void()>;
  PreciseTimer(PreciseTimers& timers, Callback callback);
  ~PreciseTimer();
  PreciseTimer(const PreciseTimer&) = delete;
  PreciseTimer& operator=(const PreciseTimer&) = delete;
  /// Fires once, at or after this time of Clock::steady() and as soon as the thread gets round to it; setting again
  /// moves it.
  void set_at(Millis steady);
  void cancel();
  [[nodiscard]] bool is_set() const { return slot_ != kUnset; }

 private:
  friend class PreciseTimers;
  static constexpr std::size_t kUnset = SIZE_MAX;
  PreciseTimers& timers_;
  Callback callback_;
  Millis due_ = 0;
  std::size_t slot_ = kUnset;  // in the heap
  bool* gone_ = nullptr;       // while its callback runs: told when it is destroyed
};

class PreciseTimers {
 public:
  /// On the thread. `manual`: nothing fires but by advance() (tests with a clock of their own). Throws
  /// std::system_error when the kernel has no descriptor left.
  PreciseTimers(IoThread& thread, bool manual = false);
  /// On the thread; cancels what is still set.
  ~PreciseTimers();
  PreciseTimers(const PreciseTimers&) = delete;

  /// Fires what is due by the thread's clock. Callbacks may set, cancel and destroy timers, their own included.
  void advance();
  [[nodiscard]] std::size_t size() const;

 private:
  friend class PreciseTimer;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jl::network
