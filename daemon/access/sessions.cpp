#include "daemon/access/sessions.hpp"

namespace jl::access {

std::shared_ptr<const Session> Sessions::find(std::string_view device_id) const {
  const Shard& shard = shard_of(device_id);
  const std::scoped_lock lock(shard.mutex);
  const auto it = shard.map.find(device_id);
  return it == shard.map.end() ? nullptr : it->second;
}

std::shared_ptr<const Session> Sessions::put(std::shared_ptr<const Session> session) {
  Shard& shard = shard_of(session->device_id);
  const std::scoped_lock lock(shard.mutex);
  auto& slot = shard.map[session->device_id];
  auto before = std::move(slot);
  slot = std::move(session);
  if (!before) size_.fetch_add(1, std::memory_order_relaxed);
  return before;
}

bool Sessions::remove(const Session& session) {
  Shard& shard = shard_of(session.device_id);
  const std::scoped_lock lock(shard.mutex);
  const auto it = shard.map.find(session.device_id);
  if (it == shard.map.end() || it->second.get() != &session) return false;
  shard.map.erase(it);
  size_.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

void Sessions::for_each(const std::function<void(const std::shared_ptr<const Session>&)>& visit) const {
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    for (const auto& [id, session] : shard.map) visit(session);
  }
}

std::size_t Sessions::count(const std::function<bool(const Session&)>& wanted) const {
  std::size_t n = 0;
  for_each([&](const std::shared_ptr<const Session>& session) { n += wanted(*session) ? 1 : 0; });
  return n;
}

}  // namespace jl::access
