#include "daemon/access/kept_sessions.hpp"

namespace jl::access {

void KeptSessions::keep(std::shared_ptr<const Session> session, Millis for_ms, Expired expired) {
  auto& slot = kept_[session->device_id];
  slot = std::make_unique<Kept>(*this, std::move(session), std::move(expired));
  thread_.timers().set(slot->timer, for_ms);
}

void KeptSessions::on_timer(void* raw) {
  auto* kept = static_cast<Kept*>(raw);
  auto node = kept->owner.kept_.extract(kept->session->device_id);
  node.mapped()->expired(*node.mapped()->session);
}

}  // namespace jl::access
