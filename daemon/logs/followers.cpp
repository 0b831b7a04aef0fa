#include "daemon/logs/followers.hpp"

#include "daemon/logs/records.hpp"

namespace jl::logs {

std::shared_ptr<void> Followers::add(LogQuery query, Line line) {
  auto slot = std::make_shared<Slot>();
  slot->query = std::move(query);
  slot->line = std::move(line);
  {
    const std::lock_guard lock(state_->mutex);
    state_->slots.push_back(slot);
  }
  return {slot.get(), [slot, state = state_](void*) {
            {
              const std::lock_guard lock(state->mutex);
              std::erase(state->slots, slot);
            }
            const std::lock_guard lock(slot->mutex);
            slot->active = false;
          }};
}

void Followers::deliver(LogClass log, const boost::json::object& record, Millis time) {
  std::vector<std::shared_ptr<Slot>> slots;
  {
    const std::lock_guard lock(state_->mutex);
    slots = state_->slots;
  }
  for (const auto& slot : slots) {
    if (slot->query.log != log || !matches(slot->query, record, time)) continue;
    const std::lock_guard lock(slot->mutex);
    if (!slot->active) continue;
    try {
      slot->line(record);
    } catch (...) {
      slot->active = false;  // the log goes on without a reader that cannot read
    }
  }
}

}  // namespace jl::logs
