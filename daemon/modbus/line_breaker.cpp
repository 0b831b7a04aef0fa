#include "daemon/modbus/line_breaker.hpp"

#include <algorithm>

namespace jl::modbus {
namespace {

/// With RTU a try keeps the line from all others: after it, it is theirs for this many times as long.
constexpr Millis kRtuShare = 10;

/// 80 to 120 percent, so that units which went together do not come back together.
Millis jittered(Millis delay, std::minstd_rand& random) {
  const Millis fifth = delay / 5;
  return delay - fifth + std::uniform_int_distribution<Millis>(0, 2 * fifth)(random);
}

}  // namespace

UnitBreaker::Verdict UnitBreaker::admit(const LineOptions& options, Millis now) {
  if (!open_) return Verdict::pass;
  if (gives_up(options, now) || probing_ || now < next_try_) return Verdict::skip;
  probing_ = true;
  return Verdict::probe;
}

bool UnitBreaker::gives_up(const LineOptions& options, Millis now) {
  if (options.breaker == model::ModbusBreaker::break_ && now - failing_since_ >= Line::kGiveUp) given_up_ = true;
  return given_up_;
}

void UnitBreaker::close(Millis now) {
  if (open_) since_ = now;
  open_ = given_up_ = probing_ = false;
  next_try_ = delay_ = 0;
}

void UnitBreaker::on_answer(Millis now) {
  unanswered_ = 0;
  close(now);
}

bool UnitBreaker::on_unanswered(const LineOptions& options, Millis now, Failure failure, std::minstd_rand& random) {
  if (unanswered_ != UINT32_MAX) ++unanswered_;
  if (open_) {
    if (failure.was_probe) put_off(options, now, failure.cost, random);
    return false;
  }
  if (options.breaker == model::ModbusBreaker::ignore || unanswered_ < options.breaker_threshold) return false;
  open_ = true;
  since_ = failing_since_ = now;
  delay_ = 0;
  put_off(options, now, failure.cost, random);
  return true;
}

void UnitBreaker::on_malformed(const LineOptions& options, Millis now, Failure failure, std::minstd_rand& random) {
  if (!open_) {
    unanswered_ = 0;
  } else if (failure.was_probe) {
    put_off(options, now, failure.cost, random);
  }
}

void UnitBreaker::put_off(const LineOptions& options, Millis now, Millis cost, std::minstd_rand& random) {
  probing_ = false;
  delay_ = delay_ == 0 ? Line::kFirstProbe : std::min(delay_ * 2, Line::kLastProbe);
  Millis wait = jittered(delay_, random);
  if (options.rtu) wait = std::max(wait, kRtuShare * cost);
  next_try_ = now + wait;
  (void)gives_up(options, now);
}

void UnitBreaker::resume(Millis now) {
  if (!given_up_) return;
  given_up_ = false;
  failing_since_ = next_try_ = now;
  delay_ = 0;
}

void UnitBreaker::configure(const LineOptions& options, Millis now) {
  if (options.breaker == model::ModbusBreaker::ignore) close(now);
  if (options.breaker == model::ModbusBreaker::lower_frequency) resume(now);
}

void UnitBreaker::describe(UnitState& state) const {
  state.answers = !open_;
  state.stopped = given_up_;
  state.unanswered = unanswered_;
  state.next_try = next_try_;
  state.since = since_;
}

}  // namespace jl::modbus
