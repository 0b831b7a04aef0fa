#pragma once
// Time as the daemon sees it, behind an interface so that tests can steer it.
#include "common/base/time.hpp"

namespace jl {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Unix epoch milliseconds, UTC; can jump.
  [[nodiscard]] virtual Millis now() const = 0;
  /// Milliseconds that only grow, from an arbitrary start: for time limits.
  [[nodiscard]] virtual Millis steady() const = 0;
};

/// The machine's clock.
[[nodiscard]] const Clock& system_clock();

}  // namespace jl
