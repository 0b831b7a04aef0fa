#pragma once
// Which requests read a set of points (operations.md 2.5: 2, 3): points of one interval, unit and area whose registers
// are near each other share a request. Pure; made anew when points change or when a server refuses a block.
#include "common/base/time.hpp"
#include "common/model/modbus.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace jl::modbus {

/// What planning needs to know of a point. `index` is the caller's.
struct PlanPoint {
  std::size_t index = 0;
  Millis interval = 0;
  std::uint8_t unit = 1;
  model::ModbusArea area = model::ModbusArea::holding_registers;
  std::uint16_t address = 0;
  std::uint16_t count = 1;
  bool alone = false;  ///< noMerge
  bool bad = false;    ///< the server refuses its address: read alone, and nobody reads across it
};

struct PlanLimits {
  std::uint16_t max_gap = 8, max_gap_bits = 16;
  std::uint16_t max_block = 120, max_block_bits = 1920;
};

/// One request. A point that is larger than the limit has a block of its own.
struct Block {
  Millis interval = 0;
  std::uint8_t unit = 1;
  model::ModbusArea area = model::ModbusArea::holding_registers;
  std::uint16_t address = 0;
  std::uint16_t count = 0;
  std::vector<std::size_t> points;  ///< indices of the caller, by address
  bool operator==(const Block&) const = default;
};

/// Where a block must end although the next point would fit: before (unit, area, address).
struct Cut {
  std::uint8_t unit = 1;
  model::ModbusArea area = model::ModbusArea::holding_registers;
  std::uint16_t address = 0;
  auto operator<=>(const Cut&) const = default;
};
using Cuts = std::set<Cut>;

/// Blocks by (interval, unit, area, address). Cost: sorting.
[[nodiscard]] std::vector<Block> make_plan(std::vector<PlanPoint> points, const PlanLimits& limits, const Cuts& cuts);

}  // namespace jl::modbus
