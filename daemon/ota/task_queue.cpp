// Who of a task is next, and what time brings.
#include "daemon/ota/task.hpp"

#include <algorithm>

namespace jl::ota {

Task::Turn Task::turn(const Record& record) const {
  return {record.group, turn_of(record.device_id, plan_->task_id), record.device_id};
}

// Devices that pull come by themselves, so nobody looks for them.
void Task::enqueue(const Record& record) {
  if (record.state == State::processing) deadlines_.emplace(record.next_deadline(), record.device_id);
  if (record.state != State::waiting || !plan_->is_push()) return;
  if (record.not_before != 0) {
    pauses_.emplace(record.not_before, record.device_id);
  } else {
    ready_.insert(turn(record));
  }
}

void Task::end_pauses(Millis now) {
  while (!pauses_.empty() && pauses_.begin()->first <= now) {
    ready_.insert(turn(*find(pauses_.begin()->second)));
    pauses_.erase(pauses_.begin());
  }
}

void Task::revive(std::string_view device_id) {
  const Record* record = find(device_id);
  if (!record || record->state != State::waiting || !plan_->is_push()) return;
  if (!pauses_.contains({record->not_before, record->device_id})) ready_.insert(turn(*record));
}

bool Task::may_begin(const Record& record, Millis now, const MinuteOfDay& minute_of_day) const {
  return record.state == State::waiting && rollout_.is_open(record.group) && record.not_before <= now &&
         rollout_.room(now, minute_of_day) != 0;
}

std::vector<std::string> Task::next(Millis now, const MinuteOfDay& minute_of_day,
                                    const std::function<bool(const Record&)>& can, std::size_t limit) {
  std::vector<std::string> out;
  end_pauses(now);
  if (!can_begin_some()) return out;
  limit = std::min(limit, rollout_.room(now, minute_of_day));
  for (auto it = ready_.begin(); it != ready_.end() && out.size() < limit && rollout_.is_open(std::get<0>(*it));) {
    if (can(*find(std::get<2>(*it)))) {
      out.emplace_back(std::get<2>(*it++));
    } else {
      it = ready_.erase(it);
    }
  }
  return out;
}

// Somebody is ready whose group has begun.
bool Task::can_begin_some() const { return !ready_.empty() && rollout_.is_open(std::get<0>(*ready_.begin())); }

void Task::expire(Millis now) {
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    const auto [limit, device_id] = *deadlines_.begin();
    const Record* record = find(device_id);
    const bool is_unanswered = record->ack_deadline != 0 && limit == record->ack_deadline;
    (void)apply(device_id, is_unanswered ? Event::ack_overdue : Event::overdue, {}, now);
  }
  end_pauses(now);
}

Millis Task::next_time(Millis now, const MinuteOfDay& minute_of_day) const {
  Millis next = 0;
  const auto consider = [&](Millis at) {
    if (at != 0 && (next == 0 || at < next)) next = at;
  };
  if (!deadlines_.empty()) consider(deadlines_.begin()->first);
  if (!pauses_.empty()) consider(pauses_.begin()->first);
  if (can_begin_some()) consider(rollout_.room(now, minute_of_day) != 0 ? now : rollout_.next_time(now, minute_of_day));
  return next;
}

}  // namespace jl::ota
