#include "daemon/modbus/line.hpp"

#include "daemon/modbus/line_impl.hpp"

#include <utility>

namespace jl::modbus {

using Kind = Outcome::Kind;

Line::Line(const LineOptions& options, LineHouse& house, std::uint32_t seed)
    : impl_(std::make_unique<Impl>(options, house, seed)) {}
Line::~Line() = default;

void Line::configure(const LineOptions& options) {
  const bool rtu = impl_->options.rtu;
  impl_->options = options;
  impl_->options.rtu = rtu;
  for (auto& [number, unit] : impl_->units) unit.breaker.configure(impl_->options, impl_->now);
}

void Line::on_open(Millis now) {
  if (impl_->open) on_closed(now, "the connection was made anew");
  impl_->turn(now, [&] {
    impl_->open = true;
    impl_->free_at = impl_->now;
  });
}

void Line::on_closed(Millis now, std::string_view why) {
  impl_->turn(now, [&] {
    if (!std::exchange(impl_->open, false)) return;
    impl_->end_all(Kind::closed, std::string(why));
    impl_->framer->reset();
    impl_->stats.garbage = impl_->framer->garbage();
    impl_->silent_timeouts = 0;
    impl_->unasked = 0;
    impl_->reconnecting = impl_->broken = false;
  });
}

void Line::on_bytes(Millis now, std::string_view bytes) {
  impl_->turn(now, [&] { impl_->feed(bytes); });
}

void Line::on_time(Millis now) {
  impl_->turn(now, [&] {
    impl_->flush_silence();
    impl_->expire();
  });
}

Millis Line::next_time() const {
  const Impl& line = *impl_;
  Millis next = kNever;
  if (!line.open) return next;
  for (const auto& sent : line.in_flight) next = std::min(next, sent.deadline());
  if (line.options.rtu && line.framer->pending() != 0) {
    next = std::min(next, line.last_byte_at + line.options.silence);
  }
  if (line.reconnecting || line.queue.size() == 0 || (line.options.rtu && !line.in_flight.empty())) return next;
  if (line.now < line.free_at) return std::min(next, line.free_at);
  for (const auto& [number, unit] : line.units) {
    const Millis from = std::max(unit.paused_until, unit.held_until);
    if (line.now < from && line.queue.has(number)) next = std::min(next, from);
  }
  return next;
}

Status Line::submit(Millis now, Order order) {
  Impl& line = *impl_;
  if (!line.open) return Error{Errc::connection_lost, "there is no connection"};
  JL_CHECK(check(order.request));
  if (order.unit == 0 && is_read(order.request.function)) {
    return Error{Errc::invalid, "unit 0 is all units at once: it can be written only", "name the unit to read from"};
  }
  if (order.priority != Priority::poll && line.queue.of_people() >= kMaxWaiting) {
    return Error{Errc::busy, std::to_string(kMaxWaiting) + " requests wait for this connection already"};
  }
  line.turn(now, [&] {
    const bool may_skip = order.priority == Priority::poll && order.unit != 0;
    if (may_skip && line.units[order.unit].breaker.admit(line.options, line.now) == UnitBreaker::Verdict::skip) {
      return line.skip(order);
    }
    line.queue.push(std::move(order));
  });
  return {};
}

void Line::clear() {
  impl_->turn(impl_->now, [&] { impl_->end_all(Kind::cancelled, "cancelled"); });
}

void Line::resume(Millis now) {
  impl_->turn(now, [&] {
    for (auto& [number, unit] : impl_->units) unit.breaker.resume(impl_->now);
  });
}

bool Line::is_open() const { return impl_->open; }

bool Line::answers(std::uint8_t unit) const {
  const auto found = impl_->units.find(unit);
  return found == impl_->units.end() || !found->second.breaker.is_open();
}

std::vector<UnitState> Line::units() const {
  std::vector<UnitState> states;
  for (const auto& [number, unit] : impl_->units) {
    UnitState state{.unit = number, .stats = unit.stats};
    unit.breaker.describe(state);
    states.push_back(std::move(state));
  }
  return states;
}

const LineStats& Line::stats() const { return impl_->stats; }
std::size_t Line::in_flight() const { return impl_->in_flight.size(); }
std::size_t Line::waiting() const { return impl_->queue.size(); }

}  // namespace jl::modbus
