#include "daemon/ota/task.hpp"

#include <algorithm>
#include <numeric>

namespace jl::ota {
namespace {

constexpr Millis kDay = 86'400'000;

// Before the retry after so many others: doubles each time, up to a day.
Millis pause_before(int auto_retries, int backoff_seconds) {
  Millis pause = Millis{1000} * std::max(backoff_seconds, 1);
  for (int i = 0; i < auto_retries && pause < kDay; ++i) pause *= 2;
  return std::min(pause, kDay);
}

// What an operator does to go on. A retry with a pause is the task's own.
bool is_go_on(Event event, const Facts& facts) {
  return event == Event::resumed || (event == Event::retried && facts.not_before == 0);
}

}  // namespace

std::size_t Counts::total() const { return std::accumulate(of.begin(), of.end(), std::size_t{0}); }

int Counts::progress() const {
  const std::size_t all = total();
  return all == 0 ? 0 : static_cast<int>(100 * at(State::success) / all);
}

State Counts::state() const {
  for (const State state : {State::processing, State::waiting, State::canceled, State::failed}) {
    if (at(state) != 0) return state;
  }
  return State::success;
}

Task::Task(Plan plan, RolloutState state, std::vector<Record> records)
    : plan_(std::make_shared<const Plan>(std::move(plan))), rollout_(*plan_, std::move(state)) {
  for (Record& each : records) {
    std::string id = each.device_id;
    const auto [it, is_new] = records_.emplace(std::move(id), std::move(each));
    if (!is_new) continue;
    (void)count(it->second.group, std::nullopt, it->second.state);
    enqueue(it->second);
  }
  rollout_changed_ = rollout_.advance();
}

const Record* Task::find(std::string_view device_id) const {
  const auto it = records_.find(device_id);
  return it == records_.end() ? nullptr : &it->second;
}

// ---- changes

bool Task::apply(std::string_view device_id, Event event, const Facts& facts, Millis now) {
  const auto it = records_.find(device_id);
  if (it == records_.end() || !allows(it->second, event)) return false;
  forgive(event, facts);
  if (!let(it->second, event, facts, now)) return false;
  settle(now);
  return true;
}

std::size_t Task::apply_all(State state, const std::vector<std::string>& devices, Event event, Millis now) {
  std::vector<Record*> chosen;
  const auto choose = [&](Record& record) {
    if (record.state == state && allows(record, event)) chosen.push_back(&record);
  };
  for (const auto& id : devices) {
    if (const auto it = records_.find(id); it != records_.end()) choose(it->second);
  }
  if (devices.empty()) {
    for (auto& [id, record] : records_) choose(record);
  }
  if (chosen.empty()) return 0;
  forgive(event, {});
  std::size_t count = 0;
  for (Record* record : chosen) {
    // One that was named twice is in another state by now.
    if (record->state == state && let(*record, event, {}, now)) ++count;
  }
  settle(now);
  return count;
}

void Task::join(Record record) {
  std::string id = record.device_id;
  const auto [it, is_new] = records_.emplace(std::move(id), std::move(record));
  if (!is_new) return;
  const std::string& reason = rollout_.state().stop_reason;
  if (!reason.empty()) (void)ota::apply(it->second, Event::stopped, {.text = reason}, it->second.create_time);
  changed(it->second, std::nullopt, it->second.state);
  enqueue(it->second);
  settle(it->second.create_time);
}

void Task::forget(std::string_view device_id) {
  const auto it = records_.find(device_id);
  if (it == records_.end() || !is_over(it->second.state)) return;
  changed(it->second, it->second.state, std::nullopt);
  records_.erase(it);
  rollout_changed_ = rollout_.advance() || rollout_changed_;
}

void Task::served(std::string_view device_id, std::uint64_t bytes, Millis now) {
  const auto it = records_.find(device_id);
  if (it == records_.end() || it->second.state != State::processing) return;
  Record& record = it->second;
  const std::uint64_t most = INT64_MAX;  // what is stored is a signed number
  const std::uint64_t before = record.bytes_served;
  record.bytes_served = bytes > most - std::min(before, most) ? most : before + bytes;
  const double share =
      plan_->size == 0 ? 0 : static_cast<double>(record.bytes_served) / static_cast<double>(plan_->size);
  const int progress = static_cast<int>(std::min(share, 1.0) * 100);
  if (let(record, Event::progressed, {.progress = progress, .from_device = false}, now)) return;
  if (record.bytes_served != before) changed(record, record.state, record.state);
}

// One record's part of a change. What it means for the others is settle()'s.
bool Task::let(Record& record, Event event, const Facts& facts, Millis now) {
  const State before = record.state;
  const Moment pause{record.not_before, record.device_id}, limit{record.next_deadline(), record.device_id};
  if (!ota::apply(record, event, facts, now)) return false;
  if (before != State::failed && record.state == State::failed && may_retry(record)) {
    const Millis pause_end = now + pause_before(record.auto_retries, plan_->task.retry_backoff_seconds);
    (void)ota::apply(record, Event::retried, {.not_before = pause_end}, now);
  }
  const std::string& stop_reason = rollout_.state().stop_reason;
  if (record.state == State::waiting && !stop_reason.empty())
    (void)ota::apply(record, Event::stopped, {.text = stop_reason}, now);
  if (before == State::waiting) {
    ready_.erase(turn(record));
    pauses_.erase(pause);
  }
  if (before == State::processing && limit.first != record.next_deadline()) deadlines_.erase(limit);
  if (event != Event::undelivered) enqueue(record);
  if (event == Event::dispatched) {
    rollout_.began(now);
    rollout_changed_ = rollout_changed_ || plan_->task.rate.has_value();
  }
  changed(record, before, record.state);
  return true;
}

bool Task::may_retry(const Record& record) const {
  return record.auto_retries < plan_->task.auto_retry && rollout_.state().stop_reason.empty();
}

bool Task::count(std::uint32_t group, std::optional<State> from, std::optional<State> to) {
  if (from) --counts_.of[static_cast<std::size_t>(*from)];
  if (to) ++counts_.of[static_cast<std::size_t>(*to)];
  return rollout_.moved(group, from, to);
}

void Task::changed(const Record& record, std::optional<State> from, std::optional<State> to) {
  if (from != to && count(record.group, from, to)) rollout_changed_ = true;
  changed_.insert(record.device_id);
  if (watcher_) watcher_(record, from, to);
}

// What a change means for the task as a whole: too many failures, or that the next group begins.
void Task::settle(Millis now) {
  if (rollout_.has_had_enough()) {
    rollout_changed_ = true;
    const std::string reason = rollout_.state().stop_reason;
    for (auto& [id, record] : records_) {
      if (record.state == State::waiting) (void)let(record, Event::stopped, {.text = reason}, now);
    }
  }
  rollout_changed_ = rollout_.advance() || rollout_changed_;
}

void Task::forgive(Event event, const Facts& facts) {
  if (!is_go_on(event, facts)) return;
  rollout_.forgive();
  rollout_changed_ = true;
}

std::vector<std::string> Task::take_changed() {
  std::vector<std::string> out;
  out.reserve(changed_.size());
  while (!changed_.empty()) out.push_back(std::move(changed_.extract(changed_.begin()).value()));
  return out;
}

bool Task::take_rollout_changed() { return std::exchange(rollout_changed_, false); }

}  // namespace jl::ota
