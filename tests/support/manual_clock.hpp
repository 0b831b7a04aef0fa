#pragma once
// A clock that moves only when a test says so.
#include "daemon/base/clock.hpp"

#include <atomic>

namespace jl::test {

class ManualClock final : public Clock {
 public:
  explicit ManualClock(Millis start = 1'700'000'000'000) : now_(start) {}
  Millis now() const override { return now_; }
  Millis steady() const override { return steady_; }
  void advance(Millis by) { now_ += by, steady_ += by; }
  void set_wall(Millis now) { now_ = now; }

 private:
  std::atomic<Millis> now_;
  std::atomic<Millis> steady_{1000};
};

}  // namespace jl::test
