#pragma once
// Plays any sequence of what can happen to a board of upgrade tasks, and says what must not have been: the same player
// for the property test (numbers from a generator) and the fuzz target (numbers from its input). Beside the board goes
// a twin that is made anew from what the store was told before every step, as after a kill -9; both must do the same.
#include "tests/support/ota_machines.hpp"

#include <functional>
#include <optional>

namespace jl::ota::test {

/// Where the choices of a play come from.
class Choices {
 public:
  virtual ~Choices() = default;
  /// 0..bound-1.
  virtual std::uint32_t below(std::uint32_t bound) = 0;
  /// Any text, of a hostile device.
  virtual std::string any_text() = 0;
  [[nodiscard]] bool one_in(std::uint32_t bound) { return below(bound) == 0; }
};

class Player {
 public:
  explicit Player(Choices& choices) : choices_(choices) {
    presence_.carriers = {{"d1", "d0"}, {"d2", "d0"}};
    for (std::uint32_t count = 1 + choices_.below(3); count != 0; --count) add_task(task());
  }

  /// One thing happens; "" or what is wrong after it.
  std::string step() {
    const auto twin = shelf_.rebuild();
    if (!twin) return "what was stored cannot be read";
    if (const std::string fault = differ(*twin, true); !fault.empty()) return "before " + fault;
    std::map<Key, Was> before;
    for (const auto& [task_id, task] : board_.tasks()) {
      for (const auto& [id, record] : task->records()) before[{task_id, id}] = {record.state, record.timed_out};
    }
    kind_ = Kind::other;
    const Action action = choose();
    if (!action) return fault_of(board_);
    const std::string outcome = action(board_), twins = action(*twin);
    if (outcome != twins) return describe_ + ": answers \"" + outcome + "\", its twin \"" + twins + "\"";
    if (std::string fault = differ(*twin, false); !fault.empty()) return describe_ + fault;
    if (std::string fault = fault_of(board_); !fault.empty()) return describe_ + ": " + fault;
    if (std::string fault = fault_of_transitions(before); !fault.empty()) return describe_ + ": " + fault;
    if (std::string fault = fault_of_pace(); !fault.empty()) return describe_ + ": " + fault;
    shelf_.take(board_);
    if (kind_ == Kind::due) return fault_of_sleep();
    return {};
  }

 private:
  using Key = std::pair<std::string, std::string>;
  /// What is done to the board and to its twin, and what they answer; nothing = it was done to the board alone.
  using Action = std::function<std::string(Board&)>;
  struct Was {
    State state;
    bool timed_out;
  };
  /// What must be known of a step to judge what it did.
  enum class Kind : std::uint8_t { other, due, pull, force_pull, resume, retry, settles };

  static std::string yes(bool value) { return value ? "yes" : "no"; }

  template <class T>
  const T& one_of(const std::vector<T>& values) {
    return values[choices_.below(static_cast<std::uint32_t>(values.size()))];
  }
  std::string device() { return "d" + std::to_string(choices_.below(6)); }
  std::string task() { return "t" + std::to_string(choices_.below(4)); }
  std::string version() {
    return choices_.one_in(12) ? choices_.any_text() : one_of(std::vector<std::string>{"", "1.0", "1.1", "2.0"});
  }
  std::string firmware() {
    return choices_.one_in(12) ? choices_.any_text()
                               : one_of(std::vector<std::string>{"", "fw-1.0", "fw-1.1", "fw-2.0"});
  }
  std::string reason() {
    return choices_.one_in(3) ? choices_.any_text() : one_of(std::vector<std::string>{"", "bad crc"});
  }
  std::string message_id(const std::string& device_id) {
    if (choices_.one_in(6)) return choices_.one_in(2) ? std::string() : choices_.any_text();
    const Task* found = board_.find(task());
    const Record* record = found ? found->find(device_id) : nullptr;
    return record ? record->message_id : "q" + std::to_string(choices_.below(3));
  }

  void add_task(const std::string& task_id) {
    const bool is_push = !choices_.one_in(3);
    Plan plan = make_plan(task_id, is_push ? model::UpgradeMode::push : model::UpgradeMode::pull);
    const std::vector<std::pair<std::string, int>> versions{{"1.0", 10}, {"1.1", 11}, {"2.0", 20}};
    const auto& [version, order] = one_of(versions);
    plan = with_version(std::move(plan), version, order);
    plan.created_at = now_;
    plan.task.max_in_flight = static_cast<int>(1 + choices_.below(3));
    plan.task.timeout_seconds = static_cast<int>(60 + choices_.below(120));
    if (is_push && choices_.one_in(3)) plan.task.rate = static_cast<int>(1 + choices_.below(100));
    if (choices_.one_in(2)) plan.task.groups = {"20%", "50%", "100%"};
    plan.task.group_success = one_of(std::vector<int>{1, 60, 100});
    plan.task.error_threshold = one_of(std::vector<std::string>{"", "", "1", "2", "40%"});
    if (choices_.one_in(4)) plan.task.window = "22:00-23:30";
    plan.task.auto_retry = static_cast<int>(choices_.below(3));
    plan.task.retry_backoff_seconds = 20;
    plan.task.force = choices_.one_in(4);
    std::vector<std::string> devices;
    for (int i = 0; i < 6; ++i) {
      if (!choices_.one_in(3)) devices.push_back("d" + std::to_string(i));
    }
    devices = order_of(std::move(devices), task_id);
    const auto groups = groups_of(devices.size(), plan.task.group_percents());
    std::vector<Record> records;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      records.push_back(make_record(devices[i], groups[i], now_));
      records.back().old_version = one_of(std::vector<std::string>{"", "1.0", "0.9"});
    }
    board_.put(std::make_unique<Task>(std::move(plan), RolloutState{}, std::move(records)));
    shelf_.drop(task_id);
    shelf_.add(*board_.find(task_id));
    (void)board_.take_changes();
  }

  Action choose() {
    switch (choices_.below(18)) {
      case 0:
      case 1:
      case 2:
        return due();
      case 3:
      case 4:
        return reply();
      case 5:
      case 6:
      case 7:
        return progress();
      case 8:
        return report();
      case 9:
        return pull();
      case 10:
        return served();
      case 11:
      case 12:
        return come_or_go();
      case 13:
        return undelivered();
      case 14:
        return pass_time();
      case 15:
      case 16:
        return operate();
      default:
        return rarely();
    }
  }

  Action due() {
    kind_ = Kind::due;
    describe_ = "due";
    now_ += choices_.below(3) * 1000;
    std::set<Key> again;
    for (const auto& [task_id, task] : board_.tasks()) {
      for (const auto& [id, record] : task->records()) {
        if (record.state == State::processing) again.insert({task_id, id});
      }
    }
    return [this, again](Board& board) {
      std::string out;
      for (const Dispatch& each : board.due(now_, presence_, 1000)) {
        if (&board == &board_) dispatched_.push_back(each);
        if (!again.contains({each.task_id, each.device_id})) out += each.task_id + "/" + each.device_id + " ";
      }
      if (dispatched_.size() > 50) dispatched_.erase(dispatched_.begin(), dispatched_.begin() + 25);
      return out;
    };
  }

  Action reply() {
    describe_ = "reply";
    const std::string who = device(), id = message_id(who), why = reason();
    const bool success = !choices_.one_in(4);
    return [=, this](Board& board) { return yes(board.on_reply(who, id, success, why, now_)); };
  }

  Action progress() {
    describe_ = "progress";
    const std::string who = device(), fw = firmware(), of = version(), why = choices_.one_in(3) ? reason() : "";
    const std::int64_t number = choices_.one_in(8) ? one_of(std::vector<std::int64_t>{INT64_MIN, INT64_MAX, -1, 101})
                                                   : static_cast<std::int64_t>(choices_.below(101));
    const bool complete = choices_.one_in(2), success = choices_.one_in(2);
    if (complete && success) kind_ = Kind::settles;
    return [=, this](Board& board) {
      return yes(board.on_progress(who, {fw, of, number, complete, success, why}, now_));
    };
  }

  Action report() {
    describe_ = "version";
    kind_ = Kind::settles;
    const std::string who = device(), of = version();
    return [=, this](Board& board) { return yes(board.on_version(who, of, now_)); };
  }

  Action pull() {
    describe_ = "pull";
    const std::string who = device(), id = message_id(who), current = version(),
                      wanted = choices_.one_in(3) ? version() : "";
    const bool latest = choices_.one_in(3), force = choices_.one_in(3);
    kind_ = force ? Kind::force_pull : Kind::pull;
    return [=, this](Board& board) {
      const PullAnswer answer = board.pull(who, {id, current, wanted, latest, force}, now_);
      if (answer.task_id.empty() == answer.code.empty()) return std::string("neither an offer nor a refusal");
      return answer.task_id + std::string(answer.code);
    };
  }

  Action served() {
    describe_ = "served";
    const std::string which = task(), who = device();
    const std::uint64_t bytes = choices_.one_in(8) ? UINT64_MAX : choices_.below(600);
    return [=, this](Board& board) { return board.served(which, who, bytes, now_), std::string(); };
  }

  Action come_or_go() {
    const std::string who = device();
    if (choices_.one_in(3)) {
      describe_ = "gone offline";
      presence_.online.erase(who);
      return [](Board&) { return std::string(); };
    }
    describe_ = "online";
    presence_.online.insert(who);
    return [=, this](Board& board) { return yes(board.on_online(who, now_)); };
  }

  // News of any dispatch, also of one that is long over.
  Action undelivered() {
    describe_ = "undelivered";
    if (dispatched_.empty()) return [](Board&) { return std::string(); };
    const Dispatch what = one_of(dispatched_);
    const bool retriable = !choices_.one_in(3);
    if (retriable) presence_.online.erase(what.device_id);
    const std::string why = reason();
    return [=, this](Board& board) { return board.undelivered(what, retriable, why, now_), std::string(); };
  }

  Action pass_time() {
    describe_ = "time passes";
    now_ += one_of(std::vector<Millis>{1, 1000, 20'000, 60'000, 200'000, 3'600'000, 20'000'000});
    return [](Board&) { return std::string(); };
  }

  Action operate() {
    const std::string which = task();
    std::vector<std::string> devices;
    if (choices_.one_in(2)) devices = {device(), device()};
    State state = State::waiting;
    Event event = Event::stopped;
    const std::uint32_t what = choices_.below(3);
    if (what == 1) state = State::canceled, event = Event::resumed, kind_ = Kind::resume;
    if (what == 2) state = State::failed, event = Event::retried, kind_ = Kind::retry;
    describe_ = std::string(to_string(event));
    return [=, this](Board& board) {
      Task* found = board.find(which);
      return found ? std::to_string(found->apply_all(state, devices, event, now_)) : std::string();
    };
  }

  Action rarely() {
    const std::string which = task(), who = device();
    switch (choices_.below(6)) {
      case 0:
        describe_ = "device gone";
        return [=, this](Board& board) { return board.on_gone(who, "", now_), std::string(); };
      case 1:
        describe_ = "forget";
        return [=](Board& board) {
          if (Task* found = board.find(which)) found->forget(who);
          return std::string();
        };
      case 2:
        describe_ = "join";
        return [=, this](Board& board) {
          if (Task* found = board.find(which)) found->join(make_record(who, 1, now_));
          return std::string();
        };
      case 3:
        describe_ = "replaced";
        return [=, this](Board& board) {
          Task* found = board.find(which);
          return yes(found && found->apply(who, Event::replaced, {.text = "taken over"}, now_));
        };
      case 4:
        describe_ = "task removed";
        shelf_.drop(which);
        return [=](Board& board) { return board.remove(which), std::string(); };
      default: {
        describe_ = "task added";
        if (!board_.find(which)) add_task(which);
        return {};
      }
    }
  }

  // Whether two boards hold the same. Message ids are each board's own as soon as it told somebody.
  [[nodiscard]] std::string differ(const Board& twin, bool with_ids) const {
    if (twin.tasks().size() != board_.tasks().size()) return ": has not the tasks of its twin";
    for (const auto& [task_id, task] : board_.tasks()) {
      const Task* other = twin.find(task_id);
      if (!other) return ": the twin has no " + task_id;
      if (to_stored(other->rollout().state()) != to_stored(task->rollout().state()))
        return ": rollout of " + task_id + " is " + to_stored(task->rollout().state()) + ", its twin's " +
               to_stored(other->rollout().state());
      if (other->counts().of != task->counts().of) return ": counts of " + task_id + " differ from its twin's";
      for (const auto& [id, record] : task->records()) {
        const Record* again = other->find(id);
        if (!again) return ": the twin has no " + task_id + "/" + id;
        Record mine = record, twins = *again;
        if (!with_ids) mine.message_id = twins.message_id = "";
        if (to_stored(mine) != to_stored(twins))
          return ": " + task_id + "/" + id + " is " + to_stored(mine) + ", its twin's " + to_stored(twins);
      }
    }
    return {};
  }

  std::string fault_of_transitions(const std::map<Key, Was>& before) const {
    for (const auto& [task_id, task] : board_.tasks()) {
      for (const auto& [id, record] : task->records()) {
        const auto was = before.find({task_id, id});
        if (was == before.end() || was->second.state == record.state) continue;
        if (!may_become(was->second, record.state))
          return task_id + "/" + id + " went from " + std::string(to_string(was->second.state)) + " to " +
                 std::string(to_string(record.state));
        if (record.state == State::processing && !task->rollout().is_open(record.group))
          return task_id + "/" + id + " begins before its group";
        if (record.state == State::processing && !task->rollout().is_in_window(now_, utc_minute))
          return task_id + "/" + id + " begins outside the window";
      }
    }
    return {};
  }

  [[nodiscard]] bool may_become(const Was& was, State now) const {
    const bool begins = kind_ == Kind::due || kind_ == Kind::pull || kind_ == Kind::force_pull;
    switch (was.state) {
      case State::waiting:
        return now == State::canceled || (now == State::processing && begins) ||
               (now == State::success && kind_ == Kind::settles);
      case State::processing:
        return now != State::success || kind_ == Kind::settles;
      case State::success:
        return false;
      case State::failed:
        return (now == State::waiting && kind_ == Kind::retry) ||
               (now == State::processing && kind_ == Kind::force_pull) ||
               (now == State::success && kind_ == Kind::settles && was.timed_out);
      case State::canceled:
        return now == State::waiting && kind_ == Kind::resume;
    }
    return false;
  }

  [[nodiscard]] std::string fault_of_pace() const {
    std::map<std::string, int> silent;
    for (const auto& [task_id, task] : board_.tasks()) {
      if (task->rollout().in_flight() > static_cast<std::size_t>(task->plan().task.max_in_flight))
        return "more of " + task_id + " in flight than may be";
      for (const auto& [id, record] : task->records()) {
        if (record.state != State::processing || record.ack_time != 0 || !task->plan().is_push()) continue;
        const std::string carrier = presence_.carrier_of(id);
        if (++silent[carrier.empty() ? id : carrier] > 1) return "two behind one carrier have given no sign";
      }
    }
    return {};
  }

  // After due() nothing is left to do, and nothing comes of itself before the time that the board names.
  std::string fault_of_sleep() {
    const Millis next = board_.next_time(now_);
    if (next != 0 && next <= now_) return "due: is due again at once";
    const Millis until = next == 0 ? now_ + 100'000'000 : next - 1;
    const auto twin = shelf_.rebuild();
    (void)twin->take_changes();
    const Millis at = now_ + (until - now_) / (1 + choices_.below(3));
    for (const Dispatch& each : twin->due(at, presence_, 1000))
      return "due at " + std::to_string(now_) + ": " + each.task_id + "/" + each.device_id + " is told at " +
             std::to_string(at) + ", before " + std::to_string(next);
    if (!twin->take_changes().empty()) return "due: something changes before the next time";
    return {};
  }

  Choices& choices_;
  Board board_{utc_minute};
  FakePresence presence_;
  Shelf shelf_;
  std::vector<Dispatch> dispatched_;
  Millis now_ = kStart;
  Kind kind_ = Kind::other;
  std::string describe_;
};

}  // namespace jl::ota::test
