#include "daemon/modbus/stats.hpp"

#include <algorithm>
#include <bit>

namespace jl::modbus {

void RttHistogram::add(Millis rtt) {
  last_ = std::max<Millis>(rtt, 0);
  const auto bucket =
      static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(std::max<Millis>(rtt, 1) - 1)));
  ++buckets_[std::min(bucket, buckets_.size() - 1)];
  ++count_;
}

Millis RttHistogram::percentile(double share) const {
  if (count_ == 0) return 0;
  const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_ - 1)) + 1;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    if (seen >= wanted) return Millis{1} << i;
  }
  return Millis{1} << (buckets_.size() - 1);
}

}  // namespace jl::modbus
