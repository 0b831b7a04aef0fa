#pragma once
// What tests of the upgrade machines share: plans, records, who is there, and what must hold of a board at any time.
#include "daemon/ota/board.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace jl::ota::test {

inline constexpr Millis kStart = 1'700'000'000'000;

inline int utc_minute(Millis at) { return static_cast<int>(at / 60'000 % 1440); }

/// A push task of firmware "fw" 1.2.0, order 12, with limits of 60 s and 3600 s.
inline Plan make_plan(const std::string& task_id = "t1", model::UpgradeMode mode = model::UpgradeMode::push) {
  Plan plan;
  plan.task_id = task_id;
  plan.firmware_id = "fw";
  plan.product_id = "p1";
  plan.version = "1.2.0";
  plan.version_order = 12;
  plan.size = 1000;
  plan.created_at = kStart;
  plan.task.mode = mode;
  if (mode == model::UpgradeMode::push) plan.task.response_timeout_seconds = 60;
  return plan;
}

inline Plan with_version(Plan plan, const std::string& version, int order) {
  plan.firmware_id = "fw-" + version;
  plan.version = version;
  plan.version_order = order;
  return plan;
}

inline Record make_record(const std::string& device_id, std::uint32_t group = 0, Millis created = kStart) {
  Record record;
  record.device_id = device_id;
  record.group = group;
  record.create_time = created;
  return record;
}

inline std::vector<Record> make_records(const std::vector<std::string>& devices) {
  std::vector<Record> out;
  for (const auto& id : devices) out.push_back(make_record(id));
  return out;
}

class FakePresence final : public Presence {
 public:
  std::set<std::string, std::less<>> online;
  std::map<std::string, std::string, std::less<>> carriers;

  [[nodiscard]] bool is_online(std::string_view device_id) const override { return online.contains(device_id); }
  [[nodiscard]] std::string carrier_of(std::string_view device_id) const override {
    const auto it = carriers.find(device_id);
    return it == carriers.end() ? std::string() : it->second;
  }
};

/// What is wrong with a task by counting its records anew; "" = nothing.
inline std::string fault_of(const Task& task) {
  Counts counts;
  std::size_t in_flight = 0;
  for (const auto& [id, record] : task.records()) {
    ++counts.of[static_cast<std::size_t>(record.state)];
    if (record.state == State::processing) ++in_flight;
    if (id != record.device_id) return "a record under another name";
    if (record.progress < 0 || record.progress > 100) return "progress out of bounds";
    if (record.steps.size() > Record::kMaxSteps) return "too many steps";
    if ((record.state == State::processing) != (record.deadline != 0)) return "a time limit of what is not processing";
    if (record.ack_deadline != 0 && record.ack_time != 0) return "waits for a sign that was given";
    if (record.state == State::waiting && !task.rollout().state().stop_reason.empty())
      return "waits for a task that has stopped itself";
    if (record.not_before != 0 && record.state != State::waiting) return "pauses although it does not wait";
    const auto again = record_from_stored(id, to_stored(record));
    if (!again || to_stored(*again) != to_stored(record)) return "does not come back from the store";
  }
  if (counts.of != task.counts().of || counts.total() != task.records().size()) return "counts are wrong";
  if (in_flight != task.rollout().in_flight()) return "the number in flight is wrong";
  const auto state = rollout_from_stored(to_stored(task.rollout().state()));
  if (!state || to_stored(*state) != to_stored(task.rollout().state())) return "the rollout does not come back";
  if (state->tokens != task.rollout().state().tokens) return "tokens do not come back";
  const std::size_t failed = counts.at(State::failed);
  if (task.rollout().state().failures_before > failed) return "more failures forgiven than there are";
  return {};
}

/// What is wrong with a board; "" = nothing.
inline std::string fault_of(const Board& board) {
  std::map<std::string, int> pushed;
  for (const auto& [id, task] : board.tasks()) {
    const std::string fault = fault_of(*task);
    if (!fault.empty()) return "task " + id + ": " + fault;
    for (const auto& [device_id, record] : task->records()) {
      if (task->plan().is_push() && record.state == State::processing && ++pushed[device_id] > 1)
        return "device " + device_id + " is pushed to by two tasks";
      const bool could_change = !is_over(record.state) || (record.state == State::failed && record.timed_out);
      if (could_change && !board.knows(device_id)) return "device " + device_id + " is not known";
    }
  }
  return {};
}

/// What a store was told of a board, as bytes, and a board made of them.
class Shelf {
 public:
  void take(Board& board) {
    for (const RecordRef& ref : board.take_changes()) {
      const Task* task = board.find(ref.task_id);
      const Record* record = task && !ref.device_id.empty() ? task->find(ref.device_id) : nullptr;
      const auto key = std::pair(ref.task_id, ref.device_id);
      if (task && ref.device_id.empty()) {
        kept_[key] = to_stored(task->rollout().state());
      } else if (record) {
        kept_[key] = to_stored(*record);
      } else {
        kept_.erase(key);
      }
    }
  }
  void add(const Task& task) {
    plans_[task.plan().task_id] = task.plan();
    kept_[{task.plan().task_id, ""}] = to_stored(task.rollout().state());
    for (const auto& [id, record] : task.records()) kept_[{task.plan().task_id, id}] = to_stored(record);
  }
  void drop(const std::string& task_id) {
    plans_.erase(task_id);
    std::erase_if(kept_, [&](const auto& entry) { return entry.first.first == task_id; });
  }
  /// A board like the one that was stored; nullptr when something of it cannot be read.
  [[nodiscard]] std::unique_ptr<Board> rebuild() const {
    auto board = std::make_unique<Board>(utc_minute);
    for (const auto& [task_id, plan] : plans_) {
      RolloutState state;
      std::vector<Record> records;
      for (auto it = kept_.lower_bound({task_id, ""}); it != kept_.end() && it->first.first == task_id; ++it) {
        if (it->first.second.empty()) {
          auto read = rollout_from_stored(it->second);
          if (!read) return nullptr;
          state = *read;
        } else {
          auto read = record_from_stored(it->first.second, it->second);
          if (!read) return nullptr;
          records.push_back(*read);
        }
      }
      board->put(std::make_unique<Task>(plan, state, std::move(records)));
    }
    return board;
  }

 private:
  std::map<std::string, Plan> plans_;
  std::map<std::pair<std::string, std::string>, std::string> kept_;
};

}  // namespace jl::ota::test
