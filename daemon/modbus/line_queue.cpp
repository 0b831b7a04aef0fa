#include "daemon/modbus/line_queue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace jl::modbus {

void LineQueue::push(Order order) {
  ++of_unit_[order.unit];
  ++size_;
  if (order.priority == Priority::write) return writes_.push_back(std::move(order));
  if (order.priority == Priority::read) return reads_.push_back(std::move(order));
  polls_[order.unit].orders.push_back(std::move(order));
}

std::optional<Order> LineQueue::pop(const May& may) {
  Units passed;
  std::optional<Order> next = pop_people(writes_, may, passed);
  if (!next) next = pop_people(reads_, may, passed);
  if (!next) next = pop_poll(may, passed);
  if (next) count_out(*next);
  return next;
}

std::optional<Order> LineQueue::pop_people(std::deque<Order>& orders, const May& may, Units& passed) {
  for (auto i = orders.begin(); i != orders.end(); ++i) {
    if (passed[i->unit]) continue;
    if (!may(*i)) {
      passed.set(i->unit);
      continue;
    }
    std::optional<Order> next(std::move(*i));
    orders.erase(i);
    return next;
  }
  return {};
}

std::optional<Order> LineQueue::pop_poll(const May& may, const Units& passed) {
  Polls* next = nullptr;
  for (auto& [unit, polls] : polls_) {
    if (polls.orders.empty() || passed[unit] || (next != nullptr && next->turn <= polls.turn)) continue;
    if (may(polls.orders.front())) next = &polls;
  }
  if (next == nullptr) return {};
  next->turn = ++turns_;
  std::optional<Order> order(std::move(next->orders.front()));
  next->orders.pop_front();
  return order;
}

void LineQueue::count_out(const Order& order) {
  --of_unit_[order.unit];
  --size_;
}

std::deque<Order> LineQueue::take_polls(std::uint8_t unit) {
  const auto found = polls_.find(unit);
  if (found == polls_.end()) return {};
  std::deque<Order> orders = std::exchange(found->second.orders, {});
  for (const Order& order : orders) count_out(order);
  return orders;
}

std::vector<Order> LineQueue::take_all() {
  std::vector<Order> all;
  all.reserve(size_);
  const auto take = [&all](std::deque<Order>& orders) {
    std::move(orders.begin(), orders.end(), std::back_inserter(all));
    orders.clear();
  };
  take(writes_);
  take(reads_);
  for (auto& [unit, polls] : polls_) take(polls.orders);
  of_unit_.fill(0);
  size_ = 0;
  return all;
}

}  // namespace jl::modbus
