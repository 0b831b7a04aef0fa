#pragma once
// The requests of a line that are not sent yet, and which is the next. Private to the line; no clock.
#include "daemon/modbus/line.hpp"

#include <array>
#include <bitset>
#include <deque>
#include <map>
#include <optional>
#include <vector>

namespace jl::modbus {

/// Writes of people before their reads, both first come, first served; then polls, of the unit whose last turn is the
/// longest ago. Turns outlive take_all(): a connection that is made anew because of three dead units does not begin
/// with the same three again. What people wait for on one unit keeps the unit's later requests back, so that nothing
/// overtakes within a unit.
class LineQueue {
 public:
  using May = std::function<bool(const Order&)>;

  void push(Order order);
  /// The next request that `may` go now. Cost: at most what people wait for, and the units that are polled.
  [[nodiscard]] std::optional<Order> pop(const May& may);
  /// The polls of one unit.
  [[nodiscard]] std::deque<Order> take_polls(std::uint8_t unit);
  /// Everything: writes, reads, polls by unit.
  [[nodiscard]] std::vector<Order> take_all();

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t of_people() const { return writes_.size() + reads_.size(); }
  [[nodiscard]] bool has(std::uint8_t unit) const { return of_unit_[unit] != 0; }

 private:
  using Units = std::bitset<256>;
  struct Polls {
    std::deque<Order> orders;
    std::uint64_t turn = 0;  // when it had its last one
  };
  std::optional<Order> pop_people(std::deque<Order>& orders, const May& may, Units& passed);
  std::optional<Order> pop_poll(const May& may, const Units& passed);
  void count_out(const Order& order);

  std::deque<Order> writes_, reads_;
  std::map<std::uint8_t, Polls> polls_;
  std::uint64_t turns_ = 0;
  std::array<std::uint32_t, 256> of_unit_{};
  std::size_t size_ = 0;
};

}  // namespace jl::modbus
