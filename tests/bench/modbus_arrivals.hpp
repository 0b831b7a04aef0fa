#pragma once
// How well somebody who asks by schedule keeps it, seen from where the requests arrive.
#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace jl::bench {

/// What the arrivals of all streams come to.
struct Drift {
  std::uint64_t left_out = 0;       ///< steps of the grids for which nothing came
  double p99_ms = 0, worst_ms = 0;  ///< distance of an arrival from its step, whichever side it is on
};

/// Streams of requests that should arrive at first arrival + k * interval.
class Arrivals {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Arrivals(Clock::duration interval) : interval_(interval) {}

  /// A request of a stream, named by whatever tells it from others.
  void add(std::uint64_t stream, Clock::time_point at);
  /// Reorders what has been collected; more can come afterwards.
  [[nodiscard]] Drift drift();

 private:
  struct Stream {
    Clock::time_point first;
    std::int64_t step = 0;  // of the last arrival
  };

  Clock::duration interval_;
  std::unordered_map<std::uint64_t, Stream> streams_;
  std::vector<Clock::duration> distances_;
  std::uint64_t left_out_ = 0;
};

}  // namespace jl::bench
