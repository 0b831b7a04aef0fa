#include "tests/bench/modbus_arrivals.hpp"

#include <algorithm>

namespace jl::bench {

void Arrivals::add(std::uint64_t stream, Clock::time_point at) {
  const auto [found, is_first] = streams_.try_emplace(stream, Stream{at, 0});
  if (is_first) return;
  Stream& known = found->second;
  // The step that it was meant for is the next one, unless a later one has come as well: then those between were left
  // out. A quarter of the interval is what an arrival may be early, since the first one may have been late.
  const std::int64_t reached = (at - known.first + interval_ / 4) / interval_;
  const std::int64_t step = std::max(known.step + 1, reached);
  left_out_ += static_cast<std::uint64_t>(step - known.step - 1);
  known.step = step;
  distances_.push_back(std::chrono::abs(at - known.first - step * interval_));
}

Drift Arrivals::drift() {
  Drift out;
  out.left_out = left_out_;
  if (distances_.empty()) return out;
  const auto ms = [](Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); };
  const auto p99 = distances_.begin() + static_cast<std::ptrdiff_t>((distances_.size() - 1) * 99 / 100);
  std::nth_element(distances_.begin(), p99, distances_.end());
  out.p99_ms = ms(*p99);
  out.worst_ms = ms(*std::max_element(p99, distances_.end()));
  return out;
}

}  // namespace jl::bench
