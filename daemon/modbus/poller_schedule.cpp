#include "daemon/modbus/poller_schedule.hpp"

#include "common/base/assert.hpp"

namespace jl::modbus {

Schedule::Id Schedule::begin(Millis interval, Millis first) {
  JL_ASSERT(interval > 0);
  const Id id = ++last_;
  grids_.emplace(id, Grid{interval, first, {}});
  order_.emplace(first, id);
  return id;
}

bool Schedule::has(Id id, Millis interval) const {
  const auto grid = grids_.find(id);
  return grid != grids_.end() && grid->second.interval == interval;
}

void Schedule::take_blocks_off() {
  for (auto& [id, grid] : grids_) grid.blocks.clear();
}

void Schedule::keep_only(const std::set<Id>& ids) {
  for (auto grid = grids_.begin(); grid != grids_.end();) {
    if (ids.contains(grid->first)) {
      ++grid;
      continue;
    }
    order_.erase({grid->second.next, grid->first});
    grid = grids_.erase(grid);
  }
}

void Schedule::restart(Millis now) {
  order_.clear();
  for (auto& [id, grid] : grids_) {
    grid.next = now;
    order_.emplace(now, id);
  }
}

void Schedule::clear() {
  grids_.clear();
  order_.clear();
}

std::optional<Schedule::Due> Schedule::take(Millis now) {
  if (next_time() > now) return std::nullopt;
  const Id id = order_.begin()->second;
  order_.erase(order_.begin());
  Grid& grid = grids_.at(id);
  const Millis passed = (now - grid.next) / grid.interval;
  const Due due{&grid.blocks, static_cast<std::uint64_t>(passed) + 1, grid.next + passed * grid.interval};
  grid.next = due.latest + grid.interval;
  order_.emplace(grid.next, id);
  return due;
}

}  // namespace jl::modbus
