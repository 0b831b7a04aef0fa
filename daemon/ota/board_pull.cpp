// What a device that asks is given (operations.md 1.4, "Pull").
#include "daemon/ota/board.hpp"

#include <algorithm>
#include <tuple>

namespace jl::ota {
namespace {

constexpr std::string_view kNoUpdate = "NO_UPDATE", kBusy = "SYSTEM_BUSY";

}  // namespace

/// The best so far of what a device could be given.
struct Board::Choice {
  // Order of the version first; of one version what is under way, then what waits, then the newest.
  using Rank = std::tuple<int, int, Millis, Millis, std::string_view>;
  Task* task = nullptr;
  Rank rank{};
  bool is_held_back = false;  // there is something, but too many are at it
};

// The place of a version among those that tasks bring to the product; 0 = not known.
int Board::order_of_version(std::string_view product_id, std::string_view version) const {
  const auto it = versions_.find({std::string(product_id), std::string(version)});
  return it == versions_.end() ? 0 : it->second.first;
}

void Board::consider(Task& task, const Record& record, const PullRequest& request, Millis now, Choice& choice) const {
  const Plan& plan = task.plan();
  const State state = record.state;
  const bool is_again = request.force && (state == State::processing || state == State::failed);
  if (plan.is_push() || (state != State::waiting && !is_again)) return;
  // It may have been deleted and made anew as one of another product, whose firmware this is not.
  if (!request.product_id.empty() && plan.product_id != request.product_id) return;
  if (plan.version == request.current_version && !plan.task.force) return;
  const bool is_exact = !request.requested_version.empty();
  if (is_exact && plan.version != request.requested_version) return;
  if (!is_exact && !request.latest) {
    const std::string_view current = request.current_version.empty() ? record.old_version : request.current_version;
    const int order = order_of_version(plan.product_id, current);
    if (plan.version_order < order || (plan.version_order == order && plan.version != current)) return;
    if (plan.version == current && !plan.task.force) return;
  }
  const Rollout& rollout = task.rollout();
  if (state != State::processing) {
    const bool has_begun = rollout.is_open(record.group) && rollout.is_in_window(now, minute_of_day_);
    if (!has_begun || record.not_before > now || !rollout.state().stop_reason.empty()) return;
    if (rollout.room(now, minute_of_day_) == 0) {
      choice.is_held_back = true;
      return;
    }
  }
  const bool wants_largest = !is_exact && request.latest;
  const int preference = state == State::processing ? 2 : state == State::waiting ? 1 : 0;
  const Choice::Rank rank{wants_largest ? plan.version_order : -plan.version_order, preference, record.create_time,
                          plan.created_at, plan.task_id};
  if (choice.task && rank < choice.rank) return;
  choice.task = &task;
  choice.rank = rank;
}

PullAnswer Board::pull(std::string_view device_id, const PullRequest& request, Millis now) {
  // The same question, asked again because the answer was lost: nothing new begins.
  const Task* asked = nullptr;
  for (const Task* task : tasks_of(device_id)) {
    const Record& record = *task->find(device_id);
    const bool is_same = !task->plan().is_push() && record.state == State::processing && !request.message_id.empty() &&
                         record.message_id == request.message_id;
    if (is_same && (!asked || asked->find(device_id)->upgrade_time <= record.upgrade_time)) asked = task;
  }
  if (asked) return {asked->plan().task_id};

  Choice choice;
  for (Task* task : tasks_of(device_id)) consider(*task, *task->find(device_id), request, now, choice);
  if (!choice.task && choice.is_held_back) return {"", kBusy, "too many devices are being upgraded, ask again later"};
  if (!choice.task) return {"", kNoUpdate, "there is no firmware for this device"};
  Task& task = *choice.task;
  const State state = task.find(device_id)->state;
  // It is the device that tries again, not an operator who goes on after failures: as if by itself, without a pause.
  if (state == State::failed)
    (void)task.apply(device_id, Event::retried, {.not_before = std::max<Millis>(now, 1)}, now);
  if (state != State::processing) {
    (void)task.apply(device_id, Event::dispatched,
                     {.text = request.message_id, .timeout = Millis{1000} * task.plan().task.timeout_seconds}, now);
  }
  return {task.plan().task_id};
}

}  // namespace jl::ota
