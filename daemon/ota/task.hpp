#pragma once
// One upgrade task: its devices' records and who is next. Pure: no I/O, no lock, time passed in.
#include "daemon/ota/plan.hpp"
#include "daemon/ota/record.hpp"
#include "daemon/ota/rollout.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>

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
  /// Hears of every change of a record, of one that came (`from` nothing), and of one that goes (`to` nothing).
  using Watcher = std::function<void(const Record& record, std::optional<State> from, std::optional<State> to)>;

  Task(Plan plan, RolloutState state, std::vector<Record> records);
  Task(const Task&) = delete;  // its rollout knows where its plan is
  Task& operator=(const Task&) = delete;
  /// For the board that holds it; called in the middle of changes, so it must not change this task.
  void watch(Watcher watcher) { watcher_ = std::move(watcher); }

  [[nodiscard]] const Plan& plan() const { return *plan_; }
  /// For who needs it longer than the task is there. It may name 100,000 devices: not to be copied.
  [[nodiscard]] std::shared_ptr<const Plan> shared_plan() const { return plan_; }
  [[nodiscard]] const Counts& counts() const { return counts_; }
  [[nodiscard]] const Rollout& rollout() const { return rollout_; }
  [[nodiscard]] const std::map<std::string, Record, std::less<>>& records() const { return records_; }
  [[nodiscard]] const Record* find(std::string_view device_id) const;

  /// Lets an event happen to a device's record; false when it means nothing to it. Keeps counts, queues, deadlines and
  /// the rollout; a failure with retries left becomes `waiting` again by itself.
  bool apply(std::string_view device_id, Event event, const Facts& facts, Millis now);
  /// The same to all records in a state, or to those of `devices` that are in it; how many it meant something to.
  /// Groups begin and the task stops itself only after the last of them.
  std::size_t apply_all(State state, const std::vector<std::string>& devices, Event event, Millis now);
  /// One more device (late joiner). One that has a record already keeps it. In a task that has stopped itself it is
  /// canceled at once, like the others.
  void join(Record record);
  /// Forgets a record that is over.
  void forget(std::string_view device_id);
  /// Bytes of the image that a device was sent since the last call. Counts as a sign of life, and as progress of a
  /// device that tells none.
  void served(std::string_view device_id, std::uint64_t bytes, Millis now);

  /// Whether a device that waits may begin now as far as this task goes: its group has begun, the window is open, its
  /// pause is over, and not too many are at it.
  [[nodiscard]] bool may_begin(const Record& record, Millis now, const MinuteOfDay& minute_of_day) const;
  /// Devices that wait and may be looked at for a push now, in the order of their turn, at most as many as may begin
  /// and as `limit`. `can` says whether a device is there and free; one that is not is passed over until revive(), as
  /// is one of which `undelivered` was told.
  std::vector<std::string> next(Millis now, const MinuteOfDay& minute_of_day,
                                const std::function<bool(const Record&)>& can, std::size_t limit = SIZE_MAX);
  /// A device that was passed over may be there now.
  void revive(std::string_view device_id);
  /// Time limits that have passed become events.
  void expire(Millis now);
  /// When expire() or next() has something to do by itself; 0 = never.
  [[nodiscard]] Millis next_time(Millis now, const MinuteOfDay& minute_of_day) const;

  /// Ids of records changed or forgotten since the last call, and whether the rollout's own state did.
  [[nodiscard]] std::vector<std::string> take_changed();
  [[nodiscard]] bool take_rollout_changed();

 private:
  // Ids are those of the keys of records_.
  using Turn = std::tuple<std::uint32_t, std::uint64_t, std::string_view>;
  using Moment = std::pair<Millis, std::string_view>;

  [[nodiscard]] Turn turn(const Record& record) const;
  [[nodiscard]] bool may_retry(const Record& record) const;
  [[nodiscard]] bool can_begin_some() const;
  bool let(Record& record, Event event, const Facts& facts, Millis now);
  void enqueue(const Record& record);
  bool count(std::uint32_t group, std::optional<State> from, std::optional<State> to);
  void changed(const Record& record, std::optional<State> from, std::optional<State> to);
  void settle(Millis now);
  void forgive(Event event, const Facts& facts);
  void end_pauses(Millis now);

  const std::shared_ptr<const Plan> plan_;
  Rollout rollout_;
  Counts counts_;
  std::map<std::string, Record, std::less<>> records_;
  std::set<Turn> ready_;        // waiting and not passed over: by group, then turn
  std::set<Moment> pauses_;     // waiting for an automatic retry
  std::set<Moment> deadlines_;  // of those that are processing
  std::set<std::string, std::less<>> changed_;
  bool rollout_changed_ = false;
  Watcher watcher_;
};

}  // namespace jl::ota
