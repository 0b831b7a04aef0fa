#include "daemon/access/virtual_sessions.hpp"

namespace jl::access {

VirtualSessions::VirtualSessions(const Context& context, std::string network_id, network::IoThread& thread,
                                 std::size_t max, Millis silence)
    : door_(std::make_shared<Door>(Door{context})),
      network_id_(std::move(network_id)),
      timers_(thread.timers()),
      max_(max),
      silence_(silence) {}

std::variant<VirtualSessions::Entry*, Refusal> VirtualSessions::find_or_open(std::string_view device_id,
                                                                             const codec::Protocol& codec,
                                                                             const MakeLink& make_link) {
  const Millis now = door_->context.clock.steady();
  Entry* known = find(device_id);
  if (known && &known->session->codec() == &codec && now - known->checked_at < kRecheck) return known;

  auto admitted = admit(door_->context, *door_->gateways, network_id_, device_id);
  auto* admission = std::get_if<Admission>(&admitted);
  if (known) {
    // These sessions last for months: what changed about the device must reach them without a new connection.
    if (admission && known->session->renew(*admission)) {
      known->checked_at = now;
      if (&known->session->codec() == &codec) return known;
      return Refusal{Refusal::Kind::unauthenticated, "its product uses another protocol", admission->counters};
    }
    known->session->end(EndReason::administrative);
  }
  if (!admission) return std::get<Refusal>(std::move(admitted));
  if (admission->codec != &codec)
    return Refusal{Refusal::Kind::unauthenticated, "its product uses another protocol", admission->counters};
  return open(std::move(*admission), make_link);
}

VirtualSessions::Entry* VirtualSessions::find(std::string_view device_id) {
  const auto it = map_.find(device_id);
  if (it == map_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, it->second);
  return &*it->second;
}

VirtualSessions::Entry* VirtualSessions::open(Admission admission, const MakeLink& make_link) {
  admission.counters->connections.fetch_add(1, std::memory_order_relaxed);
  auto link = make_link(admission.device.identity.device_id);
  const auto still_welcome = [door = door_](std::string_view device, std::string_view gateway) {
    return is_still_welcome(door->context, *door->gateways, device, gateway);
  };
  if (map_.size() >= max_) end(1);
  entries_.emplace_front(
      *this, std::make_shared<DeviceSession>(door_->context, std::move(admission), std::move(link), still_welcome),
      door_->context.clock.steady());
  map_.emplace(entries_.front().session->device_id(), entries_.begin());
  return &entries_.front();
}

std::shared_ptr<DeviceSession> VirtualSessions::known(std::string_view device_id) const {
  const auto it = map_.find(device_id);
  return it == map_.end() ? nullptr : it->second->session;
}

void VirtualSessions::touch(const std::shared_ptr<DeviceSession>& session) {
  Entry* entry = find(session->device_id());
  if (!entry || entry->session != session) return;
  const Millis limit = session->keep_online().value_or(silence_);
  if (limit > 0) timers_.set(entry->timer, limit);
}

void VirtualSessions::close(std::string_view device_id) {
  const auto it = map_.find(device_id);
  if (it == map_.end()) return;
  const auto session = it->second->session;
  const auto at = it->second;
  map_.erase(it);
  entries_.erase(at);
  session->on_close(false);
}

void VirtualSessions::end(std::size_t count) {
  for (; count > 0 && !entries_.empty(); --count) {
    const auto session = entries_.back().session;
    session->end(EndReason::administrative);
    close(session->device_id());  // in case its link has no way back here any more
  }
}

void VirtualSessions::on_silence(void* raw) {
  const auto session = static_cast<Entry*>(raw)->session;
  session->end(EndReason::administrative);
}

}  // namespace jl::access
