#pragma once
// How many bytes may leave in a time: a token bucket that fills at a rate and holds one second of it. Any number of
// connections on any threads draw from one without a lock. Time is passed in (Clock::steady), so it is pure.
#include "common/base/time.hpp"

#include <atomic>
#include <cstdint>

namespace jl::network {

class ByteBudget {
 public:
  static constexpr std::uint64_t kMaxRate = std::uint64_t{1} << 34u;  ///< 16 GiB/s; more is the same
  static constexpr std::uint64_t kLeastShare = 512;                   ///< bytes; not divided among the users

  /// `rate` in bytes per second, 1 at least. A quarter of a second of it is there from the start.
  ByteBudget(std::uint64_t rate, Millis steady_now);
  ByteBudget(const ByteBudget&) = delete;

  /// Who draws regularly says so: what is there is divided among those, because the first in a round would otherwise
  /// leave nothing for the last.
  void join() { users_.fetch_add(1, std::memory_order_relaxed); }
  void leave() { users_.fetch_sub(1, std::memory_order_relaxed); }

  /// How many of the wanted bytes may leave now; fewer means: come back later, not at once.
  [[nodiscard]] std::uint64_t take(std::uint64_t wanted, Millis steady_now);
  /// Bytes that were taken and did not leave.
  void give_back(std::uint64_t bytes) { spent_.fetch_sub(bytes, std::memory_order_relaxed); }

  [[nodiscard]] std::uint64_t rate() const { return rate_; }

 private:
  [[nodiscard]] std::uint64_t earned(Millis steady_now) const;

  const std::uint64_t rate_;
  const Millis start_;
  std::atomic<std::uint64_t> spent_{0};  // of what was earned since the start; more than a second behind is forfeited
  std::atomic<std::uint32_t> users_{0};
};

}  // namespace jl::network
