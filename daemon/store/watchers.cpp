#include "daemon/store/watchers.hpp"

namespace jl::store {

std::shared_ptr<void> Watchers::add(Store::Watcher watcher) {
  auto slot = std::make_shared<Slot>();
  slot->call = std::move(watcher);
  const std::lock_guard lock(state_->mutex);
  state_->slots.push_back(slot);
  return {slot.get(), [state = state_, slot](void*) {
            const std::lock_guard guard(state->mutex);
            slot->active = false;
            std::erase(state->slots, slot);
          }};
}

void Watchers::notify(const Commit& commit) const noexcept {
  const std::lock_guard lock(state_->mutex);
  const auto slots = state_->slots;  // a callback may change the list
  for (const auto& slot : slots) {
    if (slot->active) slot->call(commit);
  }
}

}  // namespace jl::store
