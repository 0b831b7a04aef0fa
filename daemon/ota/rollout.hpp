#pragma once
// How fast and how far a task goes: groups, how many at once, how many per minute, time of day, and how many failures
// are too many. Pure: it is told what happens and asked what may.
#include "daemon/ota/plan.hpp"
#include "daemon/ota/record.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jl::ota {

/// What of a rollout outlives the daemon, besides the records.
struct RolloutState {
  std::uint32_t group = 0;  ///< index of the last one that has begun
  std::size_t failures_before =
      0;                    ///< failures that do not count against the threshold: an operator went on after them
  std::string stop_reason;  ///< why it stopped itself; "" = it did not
  double tokens = 0;        ///< of the rate
  Millis tokens_at = 0;
};
[[nodiscard]] std::string to_stored(const RolloutState& state);
[[nodiscard]] Result<RolloutState> rollout_from_stored(std::string_view text);

/// Which group each of `count` devices belongs to by its turn (0..count-1): cumulative percentages, every group that is
/// not empty by rounding up has at least one device.
[[nodiscard]] std::vector<std::uint32_t> groups_of(std::size_t count, const std::vector<int>& percents);
/// When a device's turn is, compared with that of others.
[[nodiscard]] std::uint64_t turn_of(std::string_view device, std::string_view task_id);
/// The turn of devices: scattered over all of them, the same for the same task and devices, whatever their ids.
[[nodiscard]] std::vector<std::string> order_of(std::vector<std::string> devices, std::string_view task_id);

class Rollout {
 public:
  Rollout(const Plan& plan, RolloutState state);
  [[nodiscard]] const RolloutState& state() const { return state_; }
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }

  /// A record came, went (`from` or `to` nothing), or changed its state; true when the rollout's own state changed.
  /// It only counts: advance() and has_had_enough() are asked when all is told that happened at once.
  bool moved(std::uint32_t group, std::optional<State> from, std::optional<State> to);
  /// True when too many have failed and the task is to be stopped; it says so once. stop_reason is set then.
  [[nodiscard]] bool has_had_enough();
  /// Opens the next groups that may begin; true when one did.
  bool advance();
  /// An operator goes on after failures: they no longer count.
  void forgive();
  /// How many may begin now: limit of how many at once, rate, window.
  [[nodiscard]] std::size_t room(Millis now, const MinuteOfDay& minute_of_day) const;
  [[nodiscard]] bool is_open(std::uint32_t group) const { return group <= state_.group; }
  [[nodiscard]] bool is_in_window(Millis now, const MinuteOfDay& minute_of_day) const;
  /// One has begun (takes of the rate).
  void began(Millis now);
  /// When room() may grow by itself after now: the rate, or the window's next beginning; 0 = never.
  [[nodiscard]] Millis next_time(Millis now, const MinuteOfDay& minute_of_day) const;

 private:
  using Group = std::array<std::size_t, kStates>;  // records by state
  [[nodiscard]] double tokens(Millis now) const;
  [[nodiscard]] double capacity() const;
  [[nodiscard]] std::size_t failed() const;
  [[nodiscard]] bool may_advance() const;

  const Plan& plan_;
  const std::optional<model::ErrorThreshold> threshold_;
  const std::optional<model::DailyWindow> window_;
  RolloutState state_;
  std::vector<Group> groups_;
  std::size_t in_flight_ = 0;
};

}  // namespace jl::ota
