#pragma once
// Sessions that outlive their connection because the device asked for it (header keepOnline, wire.md 1.4). One per I/O
// thread, at most one session per device.
#include "daemon/access/sessions.hpp"

#include <unordered_map>

namespace jl::access {

class KeptSessions {
 public:
  using Expired = std::function<void(const Session&)>;
  explicit KeptSessions(network::IoThread& thread) : thread_(thread) {}

  /// Calls `expired` after the time, on the thread, unless the device's next session is kept here before.
  void keep(std::shared_ptr<const Session> session, Millis for_ms, Expired expired);
  [[nodiscard]] std::size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    Kept(KeptSessions& o, std::shared_ptr<const Session> s, Expired e)
        : owner(o), session(std::move(s)), expired(std::move(e)), timer(on_timer, this) {}
    KeptSessions& owner;
    std::shared_ptr<const Session> session;
    Expired expired;
    network::Timer timer;
  };
  static void on_timer(void* kept);
  network::IoThread& thread_;
  std::unordered_map<std::string, std::unique_ptr<Kept>> kept_;
};

}  // namespace jl::access
