#pragma once
// When blocks are due: grids of deadlines, a start plus whole intervals, that never drift. Blocks of one interval that
// begin together share a grid, so that a deadline costs one step in an ordered set however many blocks it has. Pure.
#include "common/base/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace jl::modbus {

class Schedule {
 public:
  using Id = std::uint64_t;  ///< of a grid; 0 = none
  static constexpr Millis kNever = INT64_MAX;

  /// A grid whose time came.
  struct Due {
    const std::vector<std::size_t>* blocks = nullptr;  ///< valid until the blocks are assigned anew
    std::uint64_t deadlines = 0;                       ///< that passed since it was taken last, 1 at least
    Millis latest = 0;                                 ///< the last one of these
  };

  /// A new grid whose first deadline is `first`. `interval` is 1 at least.
  Id begin(Millis interval, Millis first);
  /// Whether a grid is there and has this interval.
  [[nodiscard]] bool has(Id id, Millis interval) const;
  /// The next deadline of a grid that is there.
  [[nodiscard]] Millis next_of(Id id) const { return grids_.at(id).next; }
  /// Takes all blocks off; grids go on.
  void take_blocks_off();
  void assign(Id id, std::size_t block) { grids_.at(id).blocks.push_back(block); }
  /// Ends all other grids.
  void keep_only(const std::set<Id>& ids);
  /// All grids begin again, at `now`.
  void restart(Millis now);
  void clear();
  /// The earliest grid with a deadline up to `now`, if there is one; its deadline moves behind `now`.
  [[nodiscard]] std::optional<Due> take(Millis now);
  [[nodiscard]] Millis next_time() const { return order_.empty() ? kNever : order_.begin()->first; }

 private:
  struct Grid {
    Millis interval = 0, next = 0;
    std::vector<std::size_t> blocks;
  };

  std::map<Id, Grid> grids_;
  std::set<std::pair<Millis, Id>> order_;  // by next deadline
  Id last_ = 0;
};

}  // namespace jl::modbus
