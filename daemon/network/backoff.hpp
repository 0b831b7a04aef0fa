#pragma once
// How long to wait before the next attempt: 1 s, doubled each time, up to 60 s, each +-20 % so that many clients of one
// broker do not come back in step.
#include "common/base/time.hpp"

#include <algorithm>

namespace jl::network {

class Backoff {
 public:
  static constexpr Millis kFirst = 1000;
  static constexpr Millis kLast = 60'000;
  /// `random` in [0, 1).
  [[nodiscard]] Millis next(double random) {
    const double delay = static_cast<double>(base_) * (0.8 + 0.4 * random);
    base_ = std::min(base_ * 2, kLast);
    return static_cast<Millis>(delay);
  }
  void reset() { base_ = kFirst; }

 private:
  Millis base_ = kFirst;
};

}  // namespace jl::network
