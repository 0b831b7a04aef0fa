#pragma once
// What is counted of channels and units, for status and metrics. Plain numbers: written and read on the channel's
// thread.
#include "common/base/time.hpp"

#include <array>
#include <cstdint>

namespace jl::modbus {

/// How long answers took. Buckets of powers of two, so that percentiles cost 64 bytes and are right within a factor 2;
/// below 1 ms counts as 1 ms.
class RttHistogram {
 public:
  void add(Millis rtt);
  /// The time that `share` (0..1) of all answers did not exceed, ms; 0 without any.
  [[nodiscard]] Millis percentile(double share) const;
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] Millis last() const { return last_; }

 private:
  std::array<std::uint32_t, 18> buckets_{};  // up to 1, 2, 4 ... 131072 ms
  std::uint64_t count_ = 0;
  Millis last_ = 0;
};

struct UnitStats {
  std::uint64_t requests = 0, replies = 0, timeouts = 0, exceptions = 0, malformed = 0, skipped = 0;
  RttHistogram rtt;
};

struct LineStats {
  std::uint64_t requests = 0, replies = 0, timeouts = 0, malformed = 0, skipped = 0;
  std::uint64_t late = 0;     ///< answers nobody waited for
  std::uint64_t garbage = 0;  ///< bytes that belonged to no frame
  std::uint64_t sent_bytes = 0, received_bytes = 0;
  std::array<std::uint64_t, 12> exceptions{};  ///< by code; 0 = all others
  RttHistogram rtt;
};

}  // namespace jl::modbus
