#include "daemon/access/kept_sessions.hpp"

namespace jl::access {

void KeptSessions::keep(std::shared_ptr<const Session> session, Millis for_ms, Expired expired) {
  kept_.push_back(std::make_unique<Kept>(*this, std::move(session), std::move(expired)));
  Kept& kept = *kept_.back();
  kept.at = std::prev(kept_.end());
  thread_.timers().set(kept.timer, for_ms);
}

void KeptSessions::on_timer(void* raw) {
  auto* kept = static_cast<Kept*>(raw);
  const std::unique_ptr<Kept> self = std::move(*kept->at);
  kept->owner.kept_.erase(kept->at);
  self->expired(*self->session);
}

}  // namespace jl::access
