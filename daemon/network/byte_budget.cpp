#include "daemon/network/byte_budget.hpp"

#include <algorithm>

namespace jl::network {

ByteBudget::ByteBudget(std::uint64_t rate, Millis steady_now)
    : rate_(std::clamp<std::uint64_t>(rate, 1, kMaxRate)), start_(steady_now) {}

// Fits for 34 years at the highest rate, and then stays where it is.
std::uint64_t ByteBudget::earned(Millis steady_now) const {
  const auto passed = static_cast<std::uint64_t>(std::clamp<Millis>(steady_now - start_, 0, Millis{1} << 40u));
  const std::uint64_t seconds = std::min<std::uint64_t>(passed / 1000, UINT64_MAX / rate_ - 2);
  return rate_ / 4 + seconds * rate_ + passed % 1000 * rate_ / 1000;
}

std::uint64_t ByteBudget::take(std::uint64_t wanted, Millis steady_now) {
  const std::uint64_t all = earned(steady_now);
  const std::uint64_t least = all > rate_ ? all - rate_ : 0;
  const std::uint64_t users = std::max<std::uint64_t>(users_.load(std::memory_order_relaxed), 1);
  std::uint64_t spent = spent_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t base = std::max(spent, least);
    const std::uint64_t there = all > base ? all - base : 0;  // another thread's clock may be ahead
    const std::uint64_t share = std::max(there / users, std::min(there, kLeastShare));
    const std::uint64_t granted = std::min(wanted, share);
    if (granted == 0) return 0;
    if (spent_.compare_exchange_weak(spent, base + granted, std::memory_order_relaxed)) return granted;
  }
}

}  // namespace jl::network
