#include "daemon/modbus/line_queue.hpp"

#include <algorithm>
#include <utility>

namespace jl::modbus {

void LineQueue::push(Order order) {
  ++of_unit_[order.unit];
  ++size_;
  if (order.priority == Priority::write) return writes_.push_back(std::move(order));
  if (order.priority == Priority::read) return reads_.push_back(std::move(order));
  std::deque<Order>& polls = polls_[order.unit];
  if (polls.empty()) turns_.push_back(order.unit);
  polls.push_back(std::move(order));
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
  const auto turn = std::find_if(turns_.begin(), turns_.end(),
                                 [&](std::uint8_t unit) { return !passed[unit] && may(polls_[unit].front()); });
  if (turn == turns_.end()) return {};
  const std::uint8_t unit = *turn;
  turns_.erase(turn);
  std::deque<Order>& polls = polls_[unit];
  std::optional<Order> next(std::move(polls.front()));
  polls.pop_front();
  if (!polls.empty()) turns_.push_back(unit);
  return next;
}

void LineQueue::count_out(const Order& order) {
  --of_unit_[order.unit];
  --size_;
}

std::deque<Order> LineQueue::take_polls(std::uint8_t unit) {
  const auto found = polls_.find(unit);
  if (found == polls_.end()) return {};
  std::deque<Order> polls = std::exchange(found->second, {});
  std::erase(turns_, unit);
  for (const Order& order : polls) count_out(order);
  return polls;
}

std::vector<Order> LineQueue::take_all() {
  std::vector<Order> all;
  all.reserve(size_);
  while (auto next = pop([](const Order&) { return true; })) all.push_back(std::move(*next));
  return all;
}

}  // namespace jl::modbus
