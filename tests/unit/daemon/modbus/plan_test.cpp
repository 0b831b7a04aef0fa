#include "daemon/modbus/plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <random>
#include <tuple>

namespace jl::modbus {

/// For doctest, which does not look into unnamed namespaces.
static std::ostream& operator<<(std::ostream& out, const Block& block) {
  out << block.interval << " ms unit " << int{block.unit} << " area " << static_cast<int>(block.area) << " "
      << block.address << "+" << block.count << ":";
  for (const auto index : block.points) out << " " << index;
  return out;
}

namespace {

using Area = model::ModbusArea;

/// Points of one group, numbered in the order given.
std::vector<PlanPoint> points_at(const std::vector<std::pair<std::uint16_t, std::uint16_t>>& places,
                                 Area area = Area::holding_registers) {
  std::vector<PlanPoint> points;
  for (const auto& [address, count] : places)
    points.push_back({.index = points.size(), .interval = 1000, .area = area, .address = address, .count = count});
  return points;
}

Block block(std::uint16_t address, std::uint16_t count, std::vector<std::size_t> points) {
  return {.interval = 1000, .address = address, .count = count, .points = std::move(points)};
}

std::vector<std::pair<int, int>> ranges(const std::vector<Block>& blocks) {
  std::vector<std::pair<int, int>> ranges;
  for (const auto& each : blocks) ranges.emplace_back(each.address, each.count);
  return ranges;
}

using Ranges = std::vector<std::pair<int, int>>;
using Blocks = std::vector<Block>;

}  // namespace

TEST_SUITE("modbus.plan") {
  TEST_CASE("300 registers in a row are read with three requests [operations.md 2.6]") {
    std::vector<std::pair<std::uint16_t, std::uint16_t>> places;
    for (std::uint16_t i = 0; i < 300; ++i) places.emplace_back(i, 1);
    const auto plan = make_plan(points_at(places), {}, {});
    CHECK(ranges(plan) == Ranges{{0, 120}, {120, 120}, {240, 60}});
    CHECK(plan.at(1).points.front() == 120);
    CHECK(plan.at(1).points.size() == 120);
  }

  TEST_CASE("nothing makes no requests") { CHECK(make_plan({}, {}, {}).empty()); }

  TEST_CASE("gaps up to the limit are read along, registers and bits each with their own") {
    CHECK(ranges(make_plan(points_at({{0, 2}, {10, 1}}), {}, {})) == Ranges{{0, 11}});
    CHECK(ranges(make_plan(points_at({{0, 2}, {11, 1}}), {}, {})) == Ranges{{0, 2}, {11, 1}});
    CHECK(ranges(make_plan(points_at({{0, 2}, {18, 1}}, Area::coils), {}, {})) == Ranges{{0, 19}});
    CHECK(ranges(make_plan(points_at({{0, 2}, {19, 1}}, Area::discrete_inputs), {}, {})) == Ranges{{0, 2}, {19, 1}});
    CHECK(ranges(make_plan(points_at({{0, 1}, {1, 1}, {3, 1}}), {.max_gap = 0}, {})) == Ranges{{0, 2}, {3, 1}});
  }

  TEST_CASE("blocks keep to their limit, and no point is split") {
    CHECK(ranges(make_plan(points_at({{0, 119}, {119, 1}}), {}, {})) == Ranges{{0, 120}});
    CHECK(ranges(make_plan(points_at({{0, 119}, {119, 2}}), {}, {})) == Ranges{{0, 119}, {119, 2}});
    CHECK(ranges(make_plan(points_at({{0, 1900}, {1900, 20}}, Area::coils), {}, {})) == Ranges{{0, 1920}});
    CHECK(ranges(make_plan(points_at({{0, 1900}, {1900, 21}}, Area::coils), {}, {})) == Ranges{{0, 1900}, {1900, 21}});
    CHECK(ranges(make_plan(points_at({{0, 1}, {1, 1}}), {.max_block = 1}, {})) == Ranges{{0, 1}, {1, 1}});
  }

  TEST_CASE("a point larger than the limit has its own block, and its neighbours are not kept apart by it") {
    CHECK(make_plan(points_at({{0, 1}, {1, 125}, {2, 1}}), {}, {}) == Blocks{block(0, 3, {0, 2}), block(1, 125, {1})});
    CHECK(ranges(make_plan(points_at({{0, 1}, {1, 1}}), {.max_block = 0}, {})) == Ranges{{0, 1}, {1, 1}});
  }

  TEST_CASE("points that overlap share their registers") {
    CHECK(make_plan(points_at({{10, 2}, {10, 1}, {11, 1}, {10, 4}, {12, 1}}), {}, {}) ==
          Blocks{block(10, 4, {0, 1, 3, 2, 4})});
    CHECK(make_plan(points_at({{0, 10}, {2, 1}, {10, 1}}), {.max_gap = 0}, {}) == Blocks{block(0, 11, {0, 1, 2})});
  }

  TEST_CASE("points are taken by address, whatever their order") {
    CHECK(make_plan(points_at({{5, 1}, {3, 1}, {4, 1}}), {}, {}) == Blocks{block(3, 3, {1, 2, 0})});
  }

  TEST_CASE("a block ends at a cut") {
    const Cuts cuts{{1, Area::holding_registers, 4}};
    CHECK(ranges(make_plan(points_at({{2, 1}, {3, 1}, {4, 1}, {5, 1}}), {}, cuts)) == Ranges{{2, 2}, {4, 2}});
    CHECK(ranges(make_plan(points_at({{2, 1}, {6, 1}}), {}, cuts)) == Ranges{{2, 1}, {6, 1}});
    CHECK(ranges(make_plan(points_at({{4, 1}, {5, 1}}), {}, cuts)) == Ranges{{4, 2}});
    CHECK(ranges(make_plan(points_at({{2, 1}, {3, 1}}), {}, cuts)) == Ranges{{2, 2}});
    // No point is split, so one that reaches across stays whole, and what begins behind the cut begins anew.
    CHECK(ranges(make_plan(points_at({{2, 4}, {3, 1}, {5, 1}}), {}, cuts)) == Ranges{{2, 4}, {5, 1}});
    for (const auto& other : {Cut{2, Area::holding_registers, 4}, Cut{1, Area::input_registers, 4},
                              Cut{1, Area::holding_registers, 2}, Cut{1, Area::holding_registers, 6}})
      CHECK(ranges(make_plan(points_at({{2, 1}, {5, 1}}), {}, {other})) == Ranges{{2, 4}});
  }

  TEST_CASE("points that are read alone share no request, and may be read across") {
    auto points = points_at({{0, 1}, {1, 1}, {2, 1}, {1, 1}});
    points[1].alone = true;
    CHECK(make_plan(points, {}, {}) == Blocks{block(0, 3, {0, 3, 2}), block(1, 1, {1})});
  }

  TEST_CASE("nobody reads across a bad point of the unit and area, of whatever interval") {
    auto points = points_at({{0, 1}, {1, 2}, {3, 1}});
    points[1].bad = true;
    CHECK(make_plan(points, {}, {}) == Blocks{block(0, 1, {0}), block(1, 2, {1}), block(3, 1, {2})});

    SUBCASE("another interval") {
      points[1].interval = 5000;
      CHECK(ranges(make_plan(points, {}, {})) == Ranges{{0, 1}, {3, 1}, {1, 2}});
    }
    SUBCASE("another unit") {
      points[1].unit = 2;
      CHECK(ranges(make_plan(points, {}, {})) == Ranges{{0, 4}, {1, 2}});
    }
    SUBCASE("another area") {
      points[1].area = Area::input_registers;
      CHECK(ranges(make_plan(points, {}, {})) == Ranges{{0, 4}, {1, 2}});
    }
    SUBCASE("a good point on its registers is read alone, too") {
      points = points_at({{0, 1}, {1, 2}, {2, 1}, {3, 1}});
      points[1].bad = true;
      CHECK(ranges(make_plan(points, {}, {})) == Ranges{{0, 1}, {1, 2}, {2, 1}, {3, 1}});
    }
    SUBCASE("bad points that contain each other") {
      points = points_at({{0, 1}, {1, 6}, {2, 1}, {4, 1}, {8, 1}});
      points[1].bad = points[2].bad = true;
      CHECK(ranges(make_plan(points, {}, {})) == Ranges{{0, 1}, {1, 6}, {2, 1}, {4, 1}, {8, 1}});
    }
  }

  TEST_CASE("units, areas and intervals are read apart, in that order of weight: interval, unit, area") {
    auto points = points_at({{0, 1}, {1, 1}, {2, 1}, {3, 1}});
    points[0].interval = 2000;
    points[1].unit = 2;
    points[2].area = Area::input_registers;
    CHECK(ranges(make_plan(points, {}, {})) == Ranges{{3, 1}, {2, 1}, {1, 1}, {0, 1}});
  }

  TEST_CASE("points without interval and broadcasts are not in the plan") {
    auto points = points_at({{0, 1}, {1, 1}, {2, 1}});
    points[0].interval = 0;
    points[1].unit = 0;
    CHECK(make_plan(points, {}, {}) == Blocks{block(2, 1, {2})});
  }

  TEST_CASE("the end of the address space") {
    CHECK(ranges(make_plan(points_at({{65535, 1}, {65530, 2}, {65534, 2}}), {}, {})) == Ranges{{65530, 6}});
    auto points = points_at({{65535, 1}, {65530, 2}});
    points[0].bad = true;
    CHECK(ranges(make_plan(points, {}, {})) == Ranges{{65530, 2}, {65535, 1}});
  }
}

namespace {

struct RandomPlan {
  std::vector<PlanPoint> points;
  PlanLimits limits;
  Cuts cuts;
};

RandomPlan random_plan(std::mt19937& random) {
  const auto below = [&random](unsigned n) { return static_cast<std::uint16_t>(random() % n); };
  RandomPlan made;
  made.limits = {.max_gap = below(12), .max_gap_bits = below(30), .max_block = 1, .max_block_bits = 1};
  made.limits.max_block = static_cast<std::uint16_t>(made.limits.max_block + below(60));
  made.limits.max_block_bits = static_cast<std::uint16_t>(made.limits.max_block_bits + below(200));
  const std::uint16_t first = below(2) == 0 ? 0 : 65'136;  // up to the end of the address space
  for (unsigned i = 0, count = 1 + below(150); i < count; ++i) {
    const auto length = static_cast<std::uint16_t>(below(4) == 0 ? 1 + below(20) : 1);
    made.points.push_back({.index = i,
                           .interval = 500 * below(3),
                           .unit = static_cast<std::uint8_t>(below(3)),
                           .area = static_cast<Area>(below(4)),
                           .address = static_cast<std::uint16_t>(first + below(381)),
                           .count = length,
                           .alone = below(20) == 0,
                           .bad = below(20) == 0});
  }
  for (unsigned i = 0, count = below(4); i < count; ++i)
    made.cuts.insert({static_cast<std::uint8_t>(1 + below(2)), static_cast<Area>(below(4)),
                      static_cast<std::uint16_t>(first + below(400))});
  return made;
}

/// The rules again, each as it is told, without any order or search.
struct Rules {
  const RandomPlan& made;

  [[nodiscard]] int limit(Area area) const {
    return model::has_registers(area) ? made.limits.max_block : made.limits.max_block_bits;
  }
  [[nodiscard]] int gap(Area area) const {
    return model::has_registers(area) ? made.limits.max_gap : made.limits.max_gap_bits;
  }
  /// Whether a bad point, other than `itself`, has registers in [begin, end).
  [[nodiscard]] bool meets_bad(std::uint8_t unit, Area area, int begin, int end, std::size_t itself = SIZE_MAX) const {
    return std::any_of(made.points.begin(), made.points.end(), [&](const PlanPoint& point) {
      return point.bad && point.unit == unit && point.area == area && point.index != itself && point.address < end &&
             begin < point.address + point.count;
    });
  }
  [[nodiscard]] bool is_cut(std::uint8_t unit, Area area, int begin, int end) const {
    return std::any_of(made.cuts.begin(), made.cuts.end(), [&](const Cut& cut) {
      return cut.unit == unit && cut.area == area && begin < cut.address && cut.address <= end;
    });
  }
  /// Whether a block has nobody to share with.
  [[nodiscard]] bool stands_alone(const Block& block) const {
    const auto& point = made.points.at(block.points.front());
    return point.alone || point.bad || point.count > limit(point.area) ||
           meets_bad(point.unit, point.area, point.address, point.address + point.count);
  }
  [[nodiscard]] bool could_be_one(const Block& a, const Block& b) const {
    if (std::tie(a.interval, a.unit, a.area) != std::tie(b.interval, b.unit, b.area)) return false;
    if (stands_alone(a) || stands_alone(b)) return false;
    const int a_end = a.address + a.count, b_end = b.address + b.count;
    const int begin = std::min(a.address, b.address), end = std::max(a_end, b_end);
    if (end - begin > limit(a.area)) return false;
    if (std::max(a.address, b.address) - std::min(a_end, b_end) > gap(a.area)) return false;
    return !meets_bad(a.unit, a.area, begin, end) && !is_cut(a.unit, a.area, begin, std::max(a.address, b.address));
  }
};

void check_block(const Rules& rules, const Block& block) {
  CAPTURE(block);
  REQUIRE(!block.points.empty());
  int end = 0;
  for (const auto index : block.points) {
    const auto& point = rules.made.points.at(index);
    CHECK(std::tie(point.interval, point.unit, point.area) == std::tie(block.interval, block.unit, block.area));
    CHECK(point.address >= block.address);
    end = std::max(end, point.address + point.count);
    CHECK(!rules.is_cut(block.unit, block.area, block.address, point.address));
  }
  CHECK(rules.made.points.at(block.points.front()).address == block.address);
  CHECK(block.address + block.count == end);
  CHECK(end <= 65'536);
  if (block.points.size() == 1) return;
  CHECK(!rules.stands_alone(block));
  CHECK(block.count <= rules.limit(block.area));
  CHECK(!rules.meets_bad(block.unit, block.area, block.address, end));
}

}  // namespace

TEST_SUITE("modbus.plan") {
  TEST_CASE(
      "whatever the points: each is read by one block that keeps the rules, and blocks are as few as they allow") {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
      CAPTURE(round);
      const auto made = random_plan(random);
      const auto plan = make_plan(made.points, made.limits, made.cuts);
      const Rules rules{made};
      std::map<std::size_t, int> reads;
      for (const auto& block : plan) {
        check_block(rules, block);
        for (const auto index : block.points) ++reads[index];
      }
      for (const auto& point : made.points)
        CHECK(reads[point.index] == (point.interval > 0 && point.unit != 0 ? 1 : 0));
      for (std::size_t i = 0; i < plan.size(); ++i)
        for (std::size_t j = i + 1; j < plan.size(); ++j)
          CHECK_MESSAGE(!rules.could_be_one(plan[i], plan[j]), plan[i], " and ", plan[j]);
      CHECK(std::is_sorted(plan.begin(), plan.end(), [](const Block& a, const Block& b) {
        return std::tie(a.interval, a.unit, a.area, a.address) < std::tie(b.interval, b.unit, b.area, b.address);
      }));
      auto shuffled = made.points;
      std::shuffle(shuffled.begin(), shuffled.end(), random);
      CHECK(make_plan(shuffled, made.limits, made.cuts) == plan);
    }
  }
}

}  // namespace jl::modbus
