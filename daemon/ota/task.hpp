#pragma once
// One upgrade task: its devices' records and who is next. Pure: no I/O, no lock, time passed in.
#include "daemon/ota/plan.hpp"
#include "daemon/ota/record.hpp"
#include "daemon/ota/rollout.hpp"

#include <array>
#include <map>
#include <set>

namespace jl::ota {

struct Counts {
  std::array<std::size_t, kStates> of{};  ///< by State
  [[nodiscard]] std::size_t at(State state) const { return of[static_cast<std::size_t>(state)]; }
  [[nodiscard]] std::size_t total() const;
  /// floor(100 * success / total) (operations.md 1.3, "Task view numbers").
  [[nodiscard]] int progress() const;
  /// processing, waiting, canceled, failed, success: the first that there are.
  [[nodiscard]] State state() const;
  /// Nothing waits and nothing is processing.
  [[nodiscard]] bool is_over() const { return at(State::waiting) == 0 && at(State::processing) == 0; }
};

class Task {
 public:
  Task(Plan plan, RolloutState state, std::vector<Record> records);

  [[nodiscard]] const Plan& plan() const { return plan_; }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] const Rollout& rollout() const { return rollout_; }
  [[nodiscard]] const std::map<std::string, Record, std::less<>>& records() const { return records_; }
  [[nodiscard]] const Record* find(std::string_view device_id) const;

  /// Lets an event happen to a device's record; false when it means nothing to it. Keeps counts, queues, deadlines and
  /// the rollout; a failure with retries left becomes `waiting` again by itself.
  bool apply(std::string_view device_id, Event event, const Facts& facts, Millis now);
  /// The same to all records in a state, or to those of `devices`; how many it meant something to.
  std::size_t apply_all(State state, const std::vector<std::string>& devices, Event event, Millis now);
  /// One more device (late joiner).
  void join(Record record);
  /// Forgets a record that is over.
  void forget(std::string_view device_id);
  /// Bytes of the image that a device was sent, in all. Counts as a sign of life, and as progress of a device that
  /// tells none.
  void served(std::string_view device_id, std::uint64_t bytes, Millis now);

  /// Whether a device that waits may begin now as far as this task goes: its group has begun, the window is open, its
  /// pause is over, and not too many are at it.
  [[nodiscard]] bool may_begin(const Record& record, Millis now, const MinuteOfDay& minute_of_day) const;
  /// Devices that wait and may be looked at for a push now, in the order of their turn, at most as many as may begin.
  /// `can` says whether a device is there and free; one that is not is passed over until revive().
  std::vector<std::string> next(Millis now, const MinuteOfDay& minute_of_day,
                                const std::function<bool(const Record&)>& can);
  /// A device that was passed over may be there now.
  void revive(std::string_view device_id);
  /// Time limits that have passed become events.
  void expire(Millis now);
  /// When expire() or next() has something to do by itself; 0 = never.
  [[nodiscard]] Millis next_time(Millis now, const MinuteOfDay& minute_of_day) const;

  /// Ids of records changed since the last call, and whether the rollout's own state did.
  [[nodiscard]] std::vector<std::string> take_changed();
  [[nodiscard]] bool take_rollout_changed();

 private:
  void changed(Record& record, State before, Millis now);

  Plan plan_;
  Rollout rollout_;
  Counts counts_;
  std::map<std::string, Record, std::less<>> records_;
  std::set<std::pair<std::uint32_t, std::string>> ready_;  ///< waiting and not passed over: by group, then turn
  std::set<std::pair<Millis, std::string>> pauses_;        ///< waiting for an automatic retry
  std::set<std::pair<Millis, std::string>> deadlines_;     ///< of those that are processing
  std::set<std::string, std::less<>> changed_;
  bool rollout_changed_ = false;
};

}  // namespace jl::ota
