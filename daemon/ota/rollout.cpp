#include "daemon/ota/rollout.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace jl::ota {
namespace {

constexpr Millis kMinute = 60'000;
constexpr int kMinutesOfDay = 24 * 60;
constexpr double kMicro = 1e6;  // tokens are counted in millionths
constexpr double kAlmost = 1 / kMicro;

std::size_t index(State state) { return static_cast<std::size_t>(state); }

/// The smallest number that is at least this share of all.
std::size_t share_of(std::size_t all, int percent) { return (all * static_cast<std::size_t>(percent) + 99) / 100; }

}  // namespace

Rollout::Rollout(const Plan& plan, RolloutState state)
    : plan_(plan),
      threshold_(model::parse_error_threshold(plan.task.error_threshold)),
      window_(model::parse_window(plan.task.window)),
      state_(std::move(state)),
      groups_(std::clamp<std::size_t>(plan.task.group_percents().size(), 1, Record::kMaxGroups)) {
  state_.group = std::min(state_.group, Record::kMaxGroups - 1);
}

bool Rollout::moved(std::uint32_t group, std::optional<State> from, std::optional<State> to) {
  group = std::min(group, Record::kMaxGroups - 1);
  if (group >= groups_.size()) groups_.resize(group + 1);
  if (from) --groups_[group][index(*from)];
  if (to) ++groups_[group][index(*to)];
  if (from == State::processing) --in_flight_;
  if (to == State::processing) ++in_flight_;
  // Failures that do not count are among those that there are.
  if (from != State::failed || state_.failures_before <= failed()) return false;
  state_.failures_before = failed();
  return true;
}

std::size_t Rollout::failed() const {
  std::size_t sum = 0;
  for (const Group& group : groups_) sum += group[index(State::failed)];
  return sum;
}

bool Rollout::has_had_enough() {
  if (!threshold_ || !state_.stop_reason.empty()) return false;
  const std::size_t all = failed();
  if (all <= state_.failures_before) return false;
  const std::size_t counted = all - state_.failures_before;
  std::size_t devices = 0;
  for (std::size_t i = 0; i < groups_.size() && i <= state_.group; ++i) {
    for (const std::size_t count : groups_[i]) devices += count;
  }
  const auto value = static_cast<std::size_t>(threshold_->value);
  if (threshold_->percent ? counted * 100 < devices * value : counted < value) return false;
  state_.stop_reason = fmt::format("error threshold: {} of {} devices failed", counted, devices);
  return true;
}

// Whether enough devices of the groups that have begun are upgraded. Canceled ones are none of them: a group of which
// every device was canceled is passed.
bool Rollout::may_advance() const {
  std::size_t devices = 0, success = 0;
  bool is_awaited = false;  // nobody waits for a next group of a stopped task, which so stays where it was
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    if (i > state_.group) {
      is_awaited = is_awaited || groups_[i][index(State::waiting)] != 0;
      continue;
    }
    for (const std::size_t count : groups_[i]) devices += count;
    devices -= groups_[i][index(State::canceled)];
    success += groups_[i][index(State::success)];
  }
  return is_awaited && success >= share_of(devices, plan_.task.group_success);
}

bool Rollout::advance() {
  const std::uint32_t before = state_.group;
  while (may_advance()) ++state_.group;
  return state_.group != before;
}

void Rollout::forgive() {
  state_.stop_reason.clear();
  state_.failures_before = failed();
}

double Rollout::capacity() const { return std::max(1.0, std::ceil(plan_.task.rate.value_or(0) / 60.0)); }

double Rollout::tokens(Millis now) const {
  // A clock that was set back must not hold devices up until it is where it was.
  if (now < state_.tokens_at) return capacity();
  const double passed = static_cast<double>(now - state_.tokens_at) / static_cast<double>(kMinute);
  return std::min(capacity(), state_.tokens + passed * plan_.task.rate.value_or(0));
}

std::size_t Rollout::room(Millis now, const MinuteOfDay& minute_of_day) const {
  const auto most = static_cast<std::size_t>(std::max(plan_.task.max_in_flight, 0));
  if (in_flight_ >= most || !is_in_window(now, minute_of_day)) return 0;
  const std::size_t left = most - in_flight_;
  if (!plan_.task.rate) return left;
  return std::min(left, static_cast<std::size_t>(tokens(now) + kAlmost));
}

bool Rollout::is_in_window(Millis now, const MinuteOfDay& minute_of_day) const {
  return !window_ || window_->contains(minute_of_day(now));
}

void Rollout::began(Millis now) {
  if (!plan_.task.rate) return;
  const double left = std::max(0.0, tokens(now) - 1);
  state_.tokens = std::round(left * kMicro) / kMicro;  // as it comes back from the store
  state_.tokens_at = now;
}

Millis Rollout::next_time(Millis now, const MinuteOfDay& minute_of_day) const {
  if (in_flight_ >= static_cast<std::size_t>(std::max(plan_.task.max_in_flight, 0))) return 0;
  if (is_in_window(now, minute_of_day)) {
    if (!plan_.task.rate) return 0;
    const double missing = 1 - tokens(now);
    if (missing <= kAlmost) return 0;
    // The last steps by the same arithmetic as room(), so that it is not looked at too early or too late.
    Millis at = now + std::max<Millis>(1, std::llround(std::floor(missing * kMinute / *plan_.task.rate)) - 1);
    while (tokens(at) + kAlmost < 1) ++at;
    return at;
  }
  // To where the window begins, with a look at every quarter of an hour: clocks are put forward and back at one.
  Millis at = now / kMinute * kMinute;
  for (int i = 0; i < 2 * kMinutesOfDay / 15; ++i) {
    const int minute = minute_of_day(at);
    const int to_begin = (window_->from - minute + 2 * kMinutesOfDay) % kMinutesOfDay;
    const int to_quarter = 15 - minute % 15;
    at += kMinute * std::clamp(std::min(to_begin == 0 ? kMinutesOfDay : to_begin, to_quarter), 1, 15);
    if (is_in_window(at, minute_of_day)) return at;
  }
  return at;
}

}  // namespace jl::ota
