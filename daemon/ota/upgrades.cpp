// Tasks: how they come, what operators do to them, and how they are stored.
#include "daemon/ota/upgrades.hpp"

#include "daemon/base/log.hpp"

#include <algorithm>
#include <ctime>

namespace jl::ota {
using store::Family;

namespace {

int local_minute(Millis at) {
  const auto seconds = static_cast<std::time_t>(at / 1000);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return parts.tm_hour * 60 + parts.tm_min;
}

Error missing(const std::string& task_id) {
  return {Errc::not_found, "ota task \"" + task_id + "\" does not exist", "jlctl ota task list"};
}

}  // namespace

std::string record_key(std::string_view task_id, std::string_view device_id) {
  return store::key({task_id, device_id});
}

Upgrades::Upgrades(store::Store& store, const Clock& clock, const Depot& depot)
    : store_(store), clock_(clock), depot_(depot), board_(local_minute), batch_(store.make_batch()) {}

Upgrades::~Upgrades() { stop(); }

// ---- tasks come and go

Status Upgrades::load(Plan plan) {
  RolloutState state;
  std::vector<Record> records;
  std::vector<std::string> damaged;
  Status failed;
  const std::string from = record_key(plan.task_id, "");
  const auto snapshot = store_.snapshot();
  JL_CHECK(snapshot->scan(Family::upgrades, from, store::prefix_end(from), false,
                          [&](std::string_view key, std::string_view value, store::Revision) {
                            const std::string_view device = store::key_part(key, 1);
                            if (device.empty()) {
                              auto read = rollout_from_stored(value);
                              if (read) state = std::move(*read);
                              if (!read) failed = read.error();
                            } else {
                              auto read = record_from_stored(device, value);
                              if (read) records.push_back(std::move(*read));
                              if (!read) damaged.push_back(std::string(device) + ": " + read.error().message);
                            }
                            return failed.has_value();
                          }));
  JL_CHECK(failed);
  // One that cannot be read does not take the others along.
  if (!damaged.empty())
    log::error("ota", "task={}: {} records cannot be read and are left out; the first: {}", plan.task_id,
               damaged.size(), damaged.front());
  auto task = std::make_unique<Task>(std::move(plan), std::move(state), std::move(records));
  {
    const std::scoped_lock lock(mutex_);
    if (task->plan().task.late_joiners) joiners_.store(true, std::memory_order_relaxed);
    board_.put(std::move(task));
    any_.store(true, std::memory_order_relaxed);
    (void)persist();
  }
  wake();
  return {};
}

void Upgrades::loaded() {
  const std::scoped_lock lock(mutex_);
  board_.restarted();
}

Status Upgrades::can_delete(const std::string& task_id) const {
  const std::scoped_lock lock(mutex_);
  const Task* task = board_.find(task_id);
  if (!task || task->counts().is_over()) return {};
  const std::size_t waiting = task->counts().at(State::waiting), processing = task->counts().at(State::processing);
  return Error(Errc::in_use,
               "ota task \"" + task_id + "\": " + std::to_string(waiting) + " devices wait and " +
                   std::to_string(processing) + " are being upgraded",
               "jlctl ota task stop " + task_id + "; what is being upgraded ends by itself, at its time limit at last");
}

Status Upgrades::withdraw(const std::string& task_id) {
  JL_CHECK(can_delete(task_id));
  const std::scoped_lock lock(mutex_);
  const Task* task = board_.find(task_id);
  if (!task) return {};
  if (!task->counts().is_over()) return Error(Errc::in_use, "ota task \"" + task_id + "\" has just been resumed");
  withdrawn_.emplace(task_id, task->plan());
  board_.remove(task_id);
  return {};
}

void Upgrades::restore(const std::string& task_id) {
  std::optional<Plan> plan;
  {
    const std::scoped_lock lock(mutex_);
    const auto it = withdrawn_.find(task_id);
    if (it == withdrawn_.end()) return;
    plan = std::move(it->second);
    withdrawn_.erase(it);
  }
  if (const Status loaded = load(std::move(*plan)); !loaded)
    log::error("ota", "task={} cannot be read again: {}", task_id, loaded.error().message);
}

void Upgrades::forget(const std::string& task_id) {
  const std::scoped_lock lock(mutex_);
  withdrawn_.erase(task_id);
  board_.remove(task_id);
  any_.store(!board_.tasks().empty(), std::memory_order_relaxed);
  joiners_.store(
      std::ranges::any_of(board_.tasks(), [](const auto& entry) { return entry.second->plan().task.late_joiners; }),
      std::memory_order_relaxed);
  version_.fetch_add(1);
}

std::string Upgrades::busy_in(std::string_view device_id, std::string_view firmware_id) const {
  const std::scoped_lock lock(mutex_);
  const Task* task = board_.active(device_id, firmware_id);
  return task ? task->plan().task_id : std::string();
}

void Upgrades::replace(const Plan& plan) {
  const Millis now = clock_.now();
  const std::scoped_lock lock(mutex_);
  const Task* own = board_.find(plan.task_id);
  if (!own) return;
  for (const auto& [device_id, record] : own->records()) {
    if (is_over(record.state)) continue;
    const Task* other = board_.active(device_id, plan.firmware_id, plan.task_id);
    if (!other || other->plan().created_at > plan.created_at) continue;
    const std::string why = "taken over by task " + plan.task_id;
    (void)board_.find(other->plan().task_id)->apply(device_id, Event::replaced, {.text = why}, now);
  }
  (void)persist();
}

std::set<std::string, std::less<>> Upgrades::expected_devices() const {
  const std::scoped_lock lock(mutex_);
  std::set<std::string, std::less<>> out;
  for (const auto& [id, task] : board_.tasks()) {
    if (task->counts().is_over()) continue;
    for (const auto& [device_id, record] : task->records()) {
      if (!is_over(record.state)) out.insert(device_id);
    }
  }
  return out;
}

void Upgrades::device_gone(std::string_view device_id, std::string_view why) {
  if (!any_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(mutex_);
  board_.on_gone(device_id, why, clock_.now());
  (void)persist();
}

void Upgrades::device_came(std::string_view product_id, const DeviceFacts& device) {
  const Millis now = clock_.now();
  {
    const std::scoped_lock lock(mutex_);
    bool any = false;
    for (const auto& [id, task] : board_.tasks()) {
      const Plan& plan = task->plan();
      if (!plan.task.late_joiners || plan.product_id != product_id || task->find(device.id)) continue;
      if (!task->rollout().state().stop_reason.empty() || task->records().size() >= model::OtaTask::kMaxDevices)
        continue;
      if (board_.active(device.id, plan.firmware_id)) continue;
      auto record = join(plan, device, now);
      if (!record) continue;
      task->join(std::move(*record));
      any = true;
    }
    if (!any) return;
    (void)persist();
  }
  wake();
}

// ---- what operators do

Result<std::size_t> Upgrades::operate(const std::string& task_id, const std::vector<std::string>& devices,
                                      Operation operation) {
  struct Row {
    State from;
    Event event;
    std::string_view none;
  };
  static constexpr Row kRows[] = {{State::waiting, Event::stopped, "waits"},
                                  {State::canceled, Event::resumed, "is canceled"},
                                  {State::failed, Event::retried, "has failed"}};
  const Row& row = kRows[static_cast<std::size_t>(operation)];
  std::size_t count = 0;
  {
    const std::scoped_lock lock(mutex_);
    Task* task = board_.find(task_id);
    if (!task) return missing(task_id);
    const Plan& plan = task->plan();
    if (operation == Operation::retry && !plan.is_push())
      return Error(Errc::unsupported, "ota task \"" + task_id + "\" is pulled: its devices ask again by themselves",
                   "a device may ask with the header force, or make a new task");
    std::vector<std::string> chosen;
    const auto choose = [&](const std::string& device_id, const Record& record) {
      if (record.state != row.from) return;
      // It may be upgraded to the same firmware by another task by now.
      if (operation != Operation::stop && board_.active(device_id, plan.firmware_id, task_id)) return;
      chosen.push_back(device_id);
    };
    for (const auto& id : devices) {
      const Record* record = task->find(id);
      if (!record)
        return Error(Errc::not_found, "ota task \"" + task_id + "\" has no device \"" + id + "\"",
                     "jlctl ota task devices " + task_id);
      choose(id, *record);
    }
    if (devices.empty()) {
      for (const auto& [id, record] : task->records()) choose(id, record);
    }
    if (chosen.empty())
      return Error(Errc::conflict,
                   "ota task \"" + task_id + "\": " + (devices.empty() ? "no device" : "none of these devices") + " " +
                       std::string(row.none),
                   "jlctl ota task devices " + task_id);
    count = task->apply_all(row.from, chosen, row.event, clock_.now());
    if (!persist()) return Error(Errc::storage, "what became of the task could not be stored");
  }
  JL_CHECK(store_.sync());
  wake();
  return count;
}

Result<std::size_t> Upgrades::stop_task(const std::string& task_id, const std::vector<std::string>& devices) {
  return operate(task_id, devices, Operation::stop);
}
Result<std::size_t> Upgrades::resume_task(const std::string& task_id, const std::vector<std::string>& devices) {
  return operate(task_id, devices, Operation::resume);
}
Result<std::size_t> Upgrades::retry_task(const std::string& task_id, const std::vector<std::string>& devices) {
  return operate(task_id, devices, Operation::retry);
}

Result<std::size_t> Upgrades::remove_records(const std::string& task_id, const std::vector<std::string>& devices) {
  {
    const std::scoped_lock lock(mutex_);
    Task* task = board_.find(task_id);
    if (!task) return missing(task_id);
    for (const auto& id : devices) {
      const Record* record = task->find(id);
      if (!record)
        return Error(Errc::not_found, "ota task \"" + task_id + "\" has no device \"" + id + "\"",
                     "jlctl ota task devices " + task_id);
      if (!is_over(record->state))
        return Error(
            Errc::conflict,
            "device \"" + id + "\" of ota task \"" + task_id + "\" is " + std::string(to_string(record->state)),
            "jlctl ota task stop " + task_id + " " + id);
    }
    for (const auto& id : devices) task->forget(id);
    if (!persist()) return Error(Errc::storage, "the records could not be deleted");
  }
  JL_CHECK(store_.sync());
  return devices.size();
}

// ---- storing

// Under the lock. What cannot be written is written with the next; false then.
bool Upgrades::persist() {
  std::vector<RecordRef> changes = board_.take_changes();
  if (changes.empty() && unsaved_.empty()) return true;
  version_.fetch_add(1);
  changes.insert(changes.end(), std::make_move_iterator(unsaved_.begin()), std::make_move_iterator(unsaved_.end()));
  unsaved_.clear();
  batch_->clear();
  for (const auto& [task_id, device_id] : changes) {
    const Task* task = board_.find(task_id);
    if (!task) continue;
    const std::string key = record_key(task_id, device_id);
    const Record* record = device_id.empty() ? nullptr : task->find(device_id);
    if (device_id.empty()) {
      batch_->put(Family::upgrades, key, to_stored(task->rollout().state()));
    } else if (record) {
      batch_->put(Family::upgrades, key, to_stored(*record));
    } else {
      batch_->erase(Family::upgrades, key);
    }
  }
  const Status written = store_.append(*batch_);
  batch_->clear();
  if (written) return true;
  static log::RateLimit limit;
  std::uint64_t held = 0;
  if (limit.allow(clock_.steady(), held))
    log::error("ota", "{} records could not be stored: {}", changes.size(), written.error().message);
  unsaved_ = std::move(changes);
  return false;
}

// ---- looking on

std::optional<Picture> Upgrades::picture(std::string_view task_id) const {
  const std::scoped_lock lock(mutex_);
  const Task* task = board_.find(task_id);
  if (!task) return std::nullopt;
  Picture out;
  out.counts = task->counts();
  out.in_flight = task->rollout().in_flight();
  out.group = task->rollout().state().group;
  out.groups = task->plan().task.group_percents().size();
  out.stop_reason = task->rollout().state().stop_reason;
  return out;
}

Result<std::vector<Record>> Upgrades::records(const std::string& task_id, std::optional<State> state,
                                              const std::vector<std::string>& devices, const std::string& after,
                                              std::size_t limit) const {
  const std::scoped_lock lock(mutex_);
  const Task* task = board_.find(task_id);
  if (!task) return missing(task_id);
  std::vector<Record> out;
  if (!devices.empty()) {
    for (const auto& id : devices) {
      const Record* record = task->find(id);
      if (!record)
        return Error(Errc::not_found, "ota task \"" + task_id + "\" has no device \"" + id + "\"",
                     "jlctl ota task devices " + task_id);
      if ((!state || record->state == *state) && id > after) out.push_back(*record);
    }
    return out;
  }
  for (auto it = task->records().upper_bound(after); it != task->records().end() && out.size() < limit; ++it) {
    if (!state || it->second.state == *state) out.push_back(it->second);
  }
  return out;
}

std::vector<std::pair<std::string, Record>> Upgrades::of_device(std::string_view device_id) const {
  const std::scoped_lock lock(mutex_);
  std::vector<std::pair<std::string, Record>> out;
  for (const auto& [id, task] : board_.tasks()) {
    if (const Record* record = task->find(device_id)) out.emplace_back(id, *record);
  }
  return out;
}

std::size_t Upgrades::record_count() const {
  const std::scoped_lock lock(mutex_);
  return board_.size();
}

Counts Upgrades::totals() const {
  const std::scoped_lock lock(mutex_);
  Counts out;
  for (const auto& [id, task] : board_.tasks()) {
    for (std::size_t i = 0; i < kStates; ++i) out.of[i] += task->counts().of[i];
  }
  return out;
}

// ---- downloads

Status Upgrades::may_download(const Token& token) const {
  if (token.task_id.empty()) return {};
  const std::scoped_lock lock(mutex_);
  const Task* task = board_.find(token.task_id);
  const Record* record = task ? task->find(token.device_id) : nullptr;
  if (!record) return Error(Errc::denied, "this upgrade is no more");
  if (record->state == State::canceled || record->state == State::waiting)
    return Error(Errc::denied, "this upgrade was stopped");
  return {};
}

void Upgrades::served(const Token& token, std::uint64_t bytes) {
  if (token.task_id.empty()) return;
  const std::scoped_lock lock(mutex_);
  board_.served(token.task_id, token.device_id, bytes, clock_.now());
  (void)persist();
}

}  // namespace jl::ota
