#include "daemon/ota/board.hpp"

#include <algorithm>

namespace jl::ota {
namespace {

// It was told, and nothing shows that it heard.
bool is_silent(const Task& task, const Record& record, std::optional<State> state) {
  return task.plan().is_push() && state == State::processing && record.ack_time == 0;
}

}  // namespace

// ---- tasks come and go

void Board::put(std::unique_ptr<Task> task) {
  Task& added = *task;
  const Plan& plan = added.plan();
  remove(plan.task_id);
  tasks_.emplace(plan.task_id, std::move(task));
  auto& [order, uses] = versions_[{plan.product_id, plan.version}];
  order = plan.version_order;
  ++uses;
  added.watch([this, &added](const Record& record, std::optional<State> from, std::optional<State> to) {
    on_changed(added, record, from, to);
  });
  for (const auto& [device_id, record] : added.records()) {
    by_device_[device_id].push_back(&added);
    if (is_silent(added, record, record.state)) place({plan.task_id, record.device_id}, "");
  }
  dirty_.insert(plan.task_id);
}

void Board::remove(std::string_view task_id) {
  const auto it = tasks_.find(task_id);
  if (it == tasks_.end()) return;
  Task& task = *it->second;
  const Plan& plan = task.plan();
  for (const auto& [device_id, record] : task.records()) on_changed(task, record, record.state, std::nullopt);
  const auto version = versions_.find({plan.product_id, plan.version});
  if (--version->second.second == 0) versions_.erase(version);
  dirty_.erase(plan.task_id);
  tasks_.erase(it);
}

Task* Board::find(std::string_view task_id) {
  const auto it = tasks_.find(task_id);
  return it == tasks_.end() ? nullptr : it->second.get();
}
const Task* Board::find(std::string_view task_id) const {
  const auto it = tasks_.find(task_id);
  return it == tasks_.end() ? nullptr : it->second.get();
}

std::size_t Board::size() const {
  std::size_t sum = 0;
  for (const auto& [id, task] : tasks_) sum += task->records().size();
  return sum;
}

const std::vector<Task*>& Board::tasks_of(std::string_view device_id) const {
  static const std::vector<Task*> none;
  const auto it = by_device_.find(device_id);
  return it == by_device_.end() ? none : it->second;
}

const Task* Board::active(std::string_view device_id, std::string_view firmware_id, std::string_view except) const {
  for (const Task* task : tasks_of(device_id)) {
    const Plan& plan = task->plan();
    if (plan.firmware_id == firmware_id && plan.task_id != except && !is_over(task->find(device_id)->state))
      return task;
  }
  return nullptr;
}

bool Board::knows(std::string_view device_id) const {
  return std::ranges::any_of(tasks_of(device_id), [&](const Task* task) {
    const Record& record = *task->find(device_id);
    return !is_over(record.state) || (record.state == State::failed && record.timed_out);
  });
}

std::vector<RecordRef> Board::take_changes() {
  std::vector<RecordRef> out;
  for (const std::string& task_id : dirty_) {
    Task& task = *find(task_id);
    for (auto& device_id : task.take_changed()) out.push_back({task_id, std::move(device_id)});
    if (task.take_rollout_changed()) out.push_back({task_id, ""});
  }
  dirty_.clear();
  return out;
}

// ---- what follows from a change of one record

void Board::on_changed(Task& task, const Record& record, std::optional<State> from, std::optional<State> to) {
  dirty_.insert(task.plan().task_id);
  if (!from) by_device_[record.device_id].push_back(&task);
  const Key key{task.plan().task_id, record.device_id};
  if (!is_silent(task, record, to)) {
    unplace(key);
  } else if (!silent_.contains(key)) {
    place(key, "");
  }
  if (from == State::processing && to != State::processing) revive(record.device_id, &task);
  if (to) return;
  const auto it = by_device_.find(record.device_id);
  std::erase(it->second, &task);
  if (it->second.empty()) by_device_.erase(it);
}

// The device may be free for what else waits for it.
void Board::revive(std::string_view device_id, const Task* except) {
  for (Task* task : tasks_of(device_id)) {
    if (task != except) task->revive(device_id);
  }
}

// A device was told, by way of its carrier; "" = which one that is, is asked at the next occasion.
void Board::place(Key key, std::string carrier) {
  if (carrier.empty()) {
    unplaced_.insert(key);
  } else {
    ++carriers_[carrier].silent;
  }
  silent_[key] = std::move(carrier);
}

// It gave a sign, or is not awaited any more: the next one behind its carrier may be told.
void Board::unplace(Key key) {
  const auto it = silent_.find(key);
  if (it == silent_.end()) return;
  const std::string name = std::move(it->second);
  silent_.erase(it);
  unplaced_.erase(key);
  again_.erase(key);
  const auto carrier = carriers_.find(name);
  if (carrier == carriers_.end() || --carrier->second.silent != 0) return;
  if (carrier->second.waiting.empty()) {
    carriers_.erase(carrier);
  } else {
    free_.insert(name);
  }
}

// A few of those who wait for a carrier that is free: one of them takes its place and the others wait again, so that
// the thousands behind a gateway are not all looked at for each that answers. Where none takes it, the next few come
// with the next occasion.
void Board::let_next_through(const Presence& presence) {
  constexpr std::size_t kFew = 8;
  const auto may_go = [&](const std::string& device_id) {
    return presence.is_online(device_id) && std::ranges::any_of(tasks_of(device_id), [&](const Task* task) {
             return task->plan().is_push() && task->find(device_id)->state == State::waiting;
           });
  };
  for (auto it = free_.begin(); it != free_.end();) {
    const auto carrier = carriers_.find(*it);
    if (carrier->second.silent != 0) {
      it = free_.erase(it);
      continue;
    }
    auto& waiting = carrier->second.waiting;
    for (std::size_t count = 0; count < kFew && !waiting.empty();) {
      const std::string device_id = std::move(waiting.extract(waiting.begin()).value());
      if (!may_go(device_id)) continue;  // it is revived when it comes, or waits again
      revive(device_id, nullptr);
      ++count;
    }
    if (waiting.empty()) {
      carriers_.erase(carrier);
      it = free_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace jl::ota
