#pragma once
// Sessions of devices that share one connection: nothing tells when one of them goes, so their number is bounded by
// giving up the one that was silent longest. One I/O thread only.
#include "daemon/access/device_session.hpp"

#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>

namespace jl::access {

class VirtualSessions {
 public:
  struct Entry {
    Entry(VirtualSessions& o, std::shared_ptr<DeviceSession> s, Millis now)
        : owner(o), session(std::move(s)), checked_at(now), timer(on_silence, this) {}
    VirtualSessions& owner;
    std::shared_ptr<DeviceSession> session;
    Millis checked_at;  ///< steady time when its device was last looked up
    network::Timer timer;
  };

  VirtualSessions(network::TimerWheel& timers, std::size_t max) : timers_(timers), max_(max) {}
  VirtualSessions(const VirtualSessions&) = delete;

  /// The entry of a device, from now on the one used last; nullptr when there is none. Valid until the next call.
  [[nodiscard]] Entry* find(std::string_view device_id);
  /// Adds a session; its device must have none. When there are too many the one unused for longest is ended.
  void add(std::shared_ptr<DeviceSession> session, Millis now);
  /// A message came: from now on its keepOnline time counts, if it has one.
  void touch(Entry& entry);
  /// What a session's link does when it is closed: forgets it and tells it.
  void close(std::string_view device_id);
  /// Ends at most `count` sessions, those unused for longest first.
  void end(std::size_t count);
  [[nodiscard]] std::size_t size() const { return map_.size(); }

 private:
  static void on_silence(void* entry);
  network::TimerWheel& timers_;
  const std::size_t max_;
  std::list<Entry> entries_;                                              // the one used last stands first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> map_;  // keys live in the sessions
};

}  // namespace jl::access
