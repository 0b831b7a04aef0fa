// What devices say, and which record it is about (operations.md 1.3, "Correlation of progress").
#include "daemon/ota/board.hpp"

#include <algorithm>
#include <tuple>

namespace jl::ota {
namespace {

// A device that had the version before it was upgraded proves nothing by naming it.
bool proves(const Plan& plan, const Record& record) { return record.old_version != plan.version; }

bool is_late(const Record& record) { return record.state == State::failed && record.timed_out; }

// Whether a report names this firmware; one that names none does not.
bool names(const Plan& plan, const ProgressReport& report) {
  if (report.firmware_id.empty()) return !report.version.empty() && report.version == plan.version;
  return report.firmware_id == plan.firmware_id && (report.version.empty() || report.version == plan.version);
}

// `success` is false on the wire unless it is set, so that without an end or a reason it says nothing (row 9).
Event meaning(const ProgressReport& report) {
  if (report.complete && report.success) return Event::completed;
  if (!report.success && (report.complete || !report.reason.empty())) return Event::broke;
  return Event::progressed;
}

}  // namespace

// The newest record of a device of which `meant` is true, one that is processing before one that is not.
template <class Meant>
Task* Board::newest(std::string_view device_id, const Meant& meant) const {
  using Rank = std::tuple<bool, Millis, Millis, std::string_view>;
  Task* found = nullptr;
  Rank best;
  for (Task* task : tasks_of(device_id)) {
    const Record& record = *task->find(device_id);
    if (!meant(*task, record)) continue;
    const Rank rank{record.state == State::processing, record.create_time, task->plan().created_at,
                    task->plan().task_id};
    if (found && rank < best) continue;
    found = task;
    best = rank;
  }
  return found;
}

bool Board::on_reply(std::string_view device_id, std::string_view message_id, bool success, std::string_view reason,
                     Millis now) {
  std::size_t count = 0;
  Task* task = newest(device_id, [&](const Task&, const Record& record) {
    const bool is_meant = record.state == State::processing &&
                          (message_id.empty() ? record.ack_deadline != 0 : record.message_id == message_id);
    count += is_meant ? 1u : 0u;
    return is_meant;
  });
  if (!task || (message_id.empty() && count != 1)) return false;
  return task->apply(device_id, success ? Event::acknowledged : Event::refused, {.text = reason}, now);
}

bool Board::on_progress(std::string_view device_id, const ProgressReport& report, Millis now) {
  const Event event = meaning(report);
  Task* task = nullptr;
  if (report.firmware_id.empty() && report.version.empty()) {
    // wire.md 6: as a last resort, the only one that the device can mean.
    std::size_t count = 0;
    task = newest(device_id, [&](const Task&, const Record& record) {
      const bool is_meant = record.state == State::processing;
      count += is_meant ? 1u : 0u;
      return is_meant;
    });
    if (count != 1) return false;
  } else {
    task = newest(device_id, [&](const Task& each, const Record& record) {
      return !is_over(record.state) && names(each.plan(), report);
    });
    if (!task && event == Event::completed) {
      task = newest(device_id, [&](const Task& each, const Record& record) {
        return is_late(record) && names(each.plan(), report);
      });
    }
  }
  if (!task) return false;
  const auto progress = static_cast<int>(std::clamp<std::int64_t>(report.progress, 0, 100));
  return task->apply(device_id, event, {.text = event == Event::broke ? report.reason : "", .progress = progress}, now);
}

bool Board::on_version(std::string_view device_id, std::string_view version, Millis now) {
  if (version.empty()) return false;
  bool any = false;
  const std::vector<Task*> tasks = tasks_of(device_id);
  for (Task* task : tasks) {
    if (task->plan().version != version || !proves(task->plan(), *task->find(device_id))) continue;
    any = task->apply(device_id, Event::version_seen, {}, now) || any;
  }
  return any;
}

void Board::served(std::string_view task_id, std::string_view device_id, std::uint64_t bytes, Millis now) {
  if (Task* task = find(task_id)) task->served(device_id, bytes, now);
}

// Its connection is another one now, and what it was told over the last one may be lost.
bool Board::on_online(std::string_view device_id, Millis now) {
  bool is_processing = false;
  for (Task* task : tasks_of(device_id)) {
    const Record& record = *task->find(device_id);
    is_processing = is_processing || record.state == State::processing;
    const Key key{task->plan().task_id, record.device_id};
    if (!silent_.contains(key)) continue;
    unplace(key);
    place(key, "");
    if (record.ack_deadline != 0 && now < record.ack_deadline) again_.insert(key);
  }
  revive(device_id, nullptr);
  return is_processing;
}

void Board::on_gone(std::string_view device_id, std::string_view why, Millis now) {
  const std::vector<Task*> tasks = tasks_of(device_id);
  for (Task* task : tasks) (void)task->apply(device_id, Event::device_gone, {.text = why}, now);
}

void Board::undelivered(const Dispatch& dispatch, bool retriable, std::string_view reason, Millis now) {
  Task* task = find(dispatch.task_id);
  const Record* record = task ? task->find(dispatch.device_id) : nullptr;
  const bool is_current = record && record->state == State::processing && record->attempt == dispatch.attempt &&
                          record->message_id == dispatch.message_id && record->ack_time == 0;
  if (!is_current) return;
  (void)task->apply(dispatch.device_id, retriable ? Event::undelivered : Event::refused, {.text = reason}, now);
}

}  // namespace jl::ota
