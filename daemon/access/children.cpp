#include "daemon/access/children.hpp"

#include "daemon/access/presence.hpp"

namespace jl::access {

Child* Children::find(const std::string& child_id, const std::string& parent_id) {
  // What has no session was not told of changes either: it is looked up again.
  const auto known = children_.find(child_id);
  if (known != children_.end()) {
    if (known->second.session && context_.sessions.find(child_id) == known->second.session) return &known->second;
    children_.erase(known);
  }
  const auto found = context_.directory.find(child_id);
  std::string why;
  if (!found) {
    why = found.error().message;
  } else if (!*found) {
    why = "unknown child";
  } else if (!(*found)->enabled) {
    why = "child is disabled";
  } else if ((*found)->parent_id != parent_id) {
    why = "child belongs to another parent; see jlctl device edit --parent";
  } else if (children_.size() >= kMax) {
    why = "too many children on one connection";
  } else {
    return &children_.emplace(child_id, Child{(*found)->identity.product_id, nullptr}).first->second;
  }
  counters_.refused.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t held = 0;
  if (drop_log().allow(context_.clock.steady(), held)) {
    log::warn("access", "dropped child message device={} child={} reason=\"{}\" more={}", parent_id, child_id, why,
              held);
  }
  return nullptr;
}

const Child* Children::online(const std::string& child_id) const {
  const auto it = children_.find(child_id);
  return it != children_.end() && it->second.session ? &it->second : nullptr;
}

void Children::open(Child& child, const std::string& child_id, const std::string& parent_id, const Session& carrier) {
  if (child.session) return;
  // A child with a connection of its own speaks for itself.
  if (const auto own = context_.sessions.find(child_id); own && !own->is_child()) return;
  auto session = std::make_shared<Session>(carrier);
  session->device_id = child_id;
  session->product_id = child.product_id;
  session->parent_id = parent_id;
  session->since = context_.clock.now();
  child.session = session;
  context_.sessions.put(session);
  record_session(context_, *session, true, *session->thread);
}

void Children::close(const std::string& child_id) {
  const auto it = children_.find(child_id);
  if (it == children_.end()) return;
  const auto session = it->second.session;
  children_.erase(it);
  if (session && context_.sessions.remove(*session)) record_session(context_, *session, false, *session->thread);
}

void Children::close_all() {
  while (!children_.empty()) close(std::string(children_.begin()->first));
}

}  // namespace jl::access
