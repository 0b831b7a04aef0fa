#pragma once
// Time limits by the thousand: a hashed wheel with one slot per 250 ms. Setting, moving and cancelling cost O(1) and no
// allocation, because the node lives in its owner. One thread only.
#include "common/base/time.hpp"

#include <array>
#include <cstddef>

namespace jl::network {

class TimerWheel;

/// One time limit. Lives in its owner; going out of scope cancels it.
class Timer {
 public:
  using Callback = void (*)(void* owner);
  Timer(Callback callback, void* owner) : callback_(callback), owner_(owner) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void cancel();
  [[nodiscard]] bool is_set() const { return wheel_ != nullptr; }

 private:
  friend class TimerWheel;
  Callback callback_;
  void* owner_;
  TimerWheel* wheel_ = nullptr;
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  // what points at this node: a list's head or the node before
  Millis due_ = 0;
};

class TimerWheel {
 public:
  static constexpr Millis kResolution = 250;
  explicit TimerWheel(Millis steady_now);
  /// Cancels what is still set.
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Fires once, not before `delay` milliseconds from the last advance(); at most kResolution later. Setting again
  /// moves it.
  void set(Timer& timer, Millis delay);
  /// Fires what is due. Callbacks may set, cancel and destroy timers, their own included; one that is set in a callback
  /// fires in a later call. When a callback throws, the next call fires the rest. Time that goes backwards is ignored.
  void advance(Millis steady_now);
  [[nodiscard]] Millis now() const { return now_; }

 private:
  friend class Timer;
  static constexpr std::size_t kSlots = 512;
  static void link(Timer& timer, Timer*& head);
  static void unlink(Timer& timer);

  Millis now_;
  Millis tick_;              // the last tick that was served
  Timer* firing_ = nullptr;  // due, not called yet
  std::array<Timer*, kSlots> slots_{};
};

}  // namespace jl::network
