// Who is told now.
#include "daemon/ota/board.hpp"

#include <algorithm>

namespace jl::ota {
namespace {

constexpr Millis kSecond = 1000;

// Base 36, so that ids stay short.
std::string short_number(std::uint64_t value) {
  std::string out;
  do {
    out.push_back("0123456789abcdefghijklmnopqrstuvwxyz"[value % 36]);
    value /= 36;
  } while (value != 0);
  std::ranges::reverse(out);
  return out;
}

// Devices that have no carrier of their own share nothing with others.
std::string carrier_of(std::string_view device_id, const Presence& presence) {
  std::string carrier = presence.carrier_of(device_id);
  return carrier.empty() ? std::string(device_id) : carrier;
}

}  // namespace

// Time since the epoch differs after a restart, the number within one run: at most 4 + 13 + 1 + 13 characters.
std::string Board::new_message_id(Millis now) {
  return "ota-" + short_number(static_cast<std::uint64_t>(std::max<Millis>(now, 0))) + "-" + short_number(told_++);
}

void Board::restarted() {
  for (const auto& [key, carrier] : silent_) again_.insert(key);
}

std::vector<Dispatch> Board::due(Millis now, const Presence& presence, std::size_t limit,
                                 const std::function<bool(const Plan&)>& servable) {
  for (const auto& [id, task] : tasks_) {
    if (!task->counts().is_over()) task->expire(now);
  }
  std::vector<Dispatch> out;
  tell_again(now, presence, limit, out);
  let_next_through(presence);
  for (const auto& entry : tasks_) {
    if (out.size() >= limit) break;
    Task& task = *entry.second;
    const Plan& plan = task.plan();
    if (!plan.is_push() || task.counts().at(State::waiting) == 0) continue;
    if (servable && !servable(plan)) continue;
    const auto can = [&](const Record& record) { return can_be_told(task, record, presence); };
    const Millis response_timeout = kSecond * plan.task.response_timeout_seconds.value_or(60);
    for (auto& device_id : task.next(now, minute_of_day_, can, limit - out.size())) {
      std::string message_id = new_message_id(now);
      (void)task.apply(
          device_id, Event::dispatched,
          {.text = message_id, .response_timeout = response_timeout, .timeout = kSecond * plan.task.timeout_seconds},
          now);
      const int attempt = task.find(device_id)->attempt;
      out.push_back({plan.task_id, std::move(device_id), std::move(message_id), attempt});
    }
  }
  return out;
}

// Those whose carrier is not known are asked for it; of them, who may have missed what it was told is told again. It is
// the same attempt, with the same message id, so that a device which did hear it is not upgraded twice.
void Board::tell_again(Millis now, const Presence& presence, std::size_t limit, std::vector<Dispatch>& out) {
  for (const Key& key : std::exchange(unplaced_, {})) place(key, carrier_of(key.second, presence));
  while (!again_.empty() && out.size() < limit) {
    const Key key = *again_.begin();
    again_.erase(again_.begin());
    const Record& record = *find(key.first)->find(key.second);
    if (record.ack_deadline <= now || !presence.is_online(key.second)) continue;
    out.push_back({std::string(key.first), record.device_id, record.message_id, record.attempt});
  }
}

// Whether a device is there, not being upgraded by another task, and the only one behind its connection that was told
// and has not given a sign. True takes that place.
bool Board::can_be_told(const Task& task, const Record& record, const Presence& presence) {
  const std::string& device_id = record.device_id;
  if (!presence.is_online(device_id)) return false;
  const bool is_busy = std::ranges::any_of(
      tasks_of(device_id), [&](const Task* other) { return other->find(device_id)->state == State::processing; });
  if (is_busy) return false;
  std::string carrier = carrier_of(device_id, presence);
  if (const auto it = carriers_.find(carrier); it != carriers_.end() && it->second.silent != 0) {
    it->second.waiting.insert(device_id);
    return false;
  }
  place({task.plan().task_id, device_id}, std::move(carrier));
  return true;
}

Millis Board::next_time(Millis now) const {
  if (!again_.empty() || !unplaced_.empty() || !free_.empty()) return now;
  Millis next = 0;
  for (const auto& [id, task] : tasks_) {
    if (task->counts().is_over()) continue;
    const Millis at = task->next_time(now, minute_of_day_);
    if (at != 0 && (next == 0 || at < next)) next = at;
  }
  return next;
}

}  // namespace jl::ota
