#include "daemon/modbus/plan.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace jl::modbus {

namespace {

/// Addresses [begin, end). Ends may be 65536.
struct Range {
  std::uint32_t begin = 0, end = 0;
};

Range range_of(const PlanPoint& point) {
  return {point.address, std::uint32_t{point.address} + std::max<std::uint32_t>(point.count, 1)};
}

auto group_of(const PlanPoint& point) { return std::tuple{point.interval, point.unit, point.area}; }

/// The addresses that servers refuse, of whatever interval: a refused address is refused to every request.
class BadAddresses {
 public:
  explicit BadAddresses(const std::vector<PlanPoint>& points) {
    for (const auto& point : points)
      if (point.bad) ranges_[{point.unit, point.area}].push_back(range_of(point));
    for (auto& [place, ranges] : ranges_) unite(ranges);
  }

  [[nodiscard]] bool meet(const PlanPoint& point, Range range) const {
    const auto found = ranges_.find({point.unit, point.area});
    if (found == ranges_.end()) return false;
    const auto next = std::upper_bound(found->second.begin(), found->second.end(), range.begin,
                                       [](std::uint32_t address, const Range& bad) { return address < bad.end; });
    return next != found->second.end() && next->begin < range.end;
  }

 private:
  /// Sorts, and makes one of those that overlap, so that their ends are sorted too.
  static void unite(std::vector<Range>& ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    std::size_t kept = 0;
    for (const auto& range : ranges) {
      if (kept > 0 && range.begin <= ranges[kept - 1].end)
        ranges[kept - 1].end = std::max(ranges[kept - 1].end, range.end);
      else
        ranges[kept++] = range;
    }
    ranges.resize(kept);
  }

  std::map<std::pair<std::uint8_t, model::ModbusArea>, std::vector<Range>> ranges_;
};

class Planner {
 public:
  Planner(const std::vector<PlanPoint>& points, const PlanLimits& limits, const Cuts& cuts)
      : limits_(limits), cuts_(cuts), bad_(points) {}

  /// Takes points by group and address.
  void add(const PlanPoint& point) {
    const bool own = needs_own_block(point);
    if (!own && open_ != kNone && joins(blocks_[open_], point)) {
      auto& block = blocks_[open_];
      const auto end = std::max(std::uint32_t{block.address} + block.count, range_of(point).end);
      block.count = static_cast<std::uint16_t>(end - block.address);
      block.points.push_back(point.index);
      return;
    }
    // A point with a block of its own does not end the block that is open: its registers may be read twice.
    if (!own) open_ = blocks_.size();
    const auto range = range_of(point);
    blocks_.push_back({.interval = point.interval,
                       .unit = point.unit,
                       .area = point.area,
                       .address = point.address,
                       .count = static_cast<std::uint16_t>(range.end - range.begin),
                       .points = {point.index}});
  }

  [[nodiscard]] std::vector<Block> take() { return std::move(blocks_); }

 private:
  static constexpr std::size_t kNone = SIZE_MAX;

  [[nodiscard]] std::uint32_t max_block(model::ModbusArea area) const {
    return model::has_registers(area) ? limits_.max_block : limits_.max_block_bits;
  }
  [[nodiscard]] std::uint32_t max_gap(model::ModbusArea area) const {
    return model::has_registers(area) ? limits_.max_gap : limits_.max_gap_bits;
  }

  [[nodiscard]] bool needs_own_block(const PlanPoint& point) const {
    return point.alone || point.bad || point.count > max_block(point.area) || bad_.meet(point, range_of(point));
  }

  [[nodiscard]] bool joins(const Block& block, const PlanPoint& point) const {
    if (std::tuple{block.interval, block.unit, block.area} != group_of(point)) return false;
    const auto end = std::uint32_t{block.address} + block.count;
    const auto range = range_of(point);
    if (range.begin > end + max_gap(point.area)) return false;
    if (std::max(end, range.end) - block.address > max_block(point.area)) return false;
    if (range.begin > end && bad_.meet(point, {end, range.begin})) return false;
    const auto cut = cuts_.upper_bound({block.unit, block.area, block.address});
    return cut == cuts_.end() || *cut > Cut{point.unit, point.area, point.address};
  }

  const PlanLimits& limits_;
  const Cuts& cuts_;
  BadAddresses bad_;
  std::vector<Block> blocks_;
  std::size_t open_ = kNone;  ///< the block that others may join
};

}  // namespace

std::vector<Block> make_plan(std::vector<PlanPoint> points, const PlanLimits& limits, const Cuts& cuts) {
  Planner planner(points, limits, cuts);
  // Nobody answers a broadcast (serial line §2.2), so unit 0 is never read.
  std::erase_if(points, [](const PlanPoint& point) { return point.interval <= 0 || point.unit == 0; });
  std::sort(points.begin(), points.end(), [](const PlanPoint& a, const PlanPoint& b) {
    return std::tuple{group_of(a), a.address, a.index} < std::tuple{group_of(b), b.address, b.index};
  });
  for (const auto& point : points) planner.add(point);
  return planner.take();
}

}  // namespace jl::modbus
