#include "daemon/access/virtual_sessions.hpp"

namespace jl::access {

VirtualSessions::Entry* VirtualSessions::find(std::string_view device_id) {
  const auto it = map_.find(device_id);
  if (it == map_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, it->second);
  return &*it->second;
}

void VirtualSessions::add(std::shared_ptr<DeviceSession> session, Millis now) {
  if (map_.size() >= max_) end(1);
  entries_.emplace_front(*this, std::move(session), now);
  map_.emplace(entries_.front().session->device_id(), entries_.begin());
}

void VirtualSessions::touch(Entry& entry) {
  if (const auto limit = entry.session->keep_online()) timers_.set(entry.timer, *limit);
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
