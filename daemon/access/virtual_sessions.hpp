#pragma once
// Sessions of devices that have no connection of their own: behind a broker, over datagrams, one request at a time.
// Nothing tells when one of them goes, so they end by silence, and their number is bounded by giving up the one that
// was silent longest. One I/O thread only.
#include "daemon/access/admission.hpp"
#include "daemon/access/device_session.hpp"

#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <variant>

namespace jl::access {

class VirtualSessions {
 public:
  static constexpr std::size_t kMaxDevices = 100'000;  ///< sessions at once, by default
  static constexpr Millis kRecheck = 60'000;           ///< after which a device that speaks is looked up again

  struct Entry {
    Entry(VirtualSessions& o, std::shared_ptr<DeviceSession> s, Millis now)
        : owner(o), session(std::move(s)), checked_at(now), timer(on_silence, this) {}
    VirtualSessions& owner;
    std::shared_ptr<DeviceSession> session;
    Millis checked_at;  ///< steady time when its device was last looked up
    network::Timer timer;
  };
  /// Makes the way back to a device. Its close() must lead to VirtualSessions::close().
  using MakeLink = std::function<std::unique_ptr<DeviceLink>(const std::string& device_id)>;

  /// A session ends after `silence` milliseconds without a message, 0 = never, unless its device said otherwise (header
  /// keepOnline).
  VirtualSessions(const Context& context, std::string network_id, network::IoThread& thread,
                  std::size_t max = kMaxDevices, Millis silence = 0);
  VirtualSessions(const VirtualSessions&) = delete;

  /// The gateways that let devices in from now on.
  void attach(std::shared_ptr<const AttachedGateways> gateways) { door_->gateways = std::move(gateways); }
  [[nodiscard]] const AttachedGateways& gateways() const { return *door_->gateways; }
  void set_silence(Millis silence) { silence_ = silence; }

  /// The device's session, opened if need be and used last from now on; else why it may have none. It goes online at
  /// its first message, if that is one that does so. `codec` is what the message was read with. The entry is valid
  /// until the next call.
  [[nodiscard]] std::variant<Entry*, Refusal> find_or_open(std::string_view device_id, const codec::Protocol& codec,
                                                           const MakeLink& make_link);
  /// The session of a device, if it has one here.
  [[nodiscard]] std::shared_ptr<DeviceSession> known(std::string_view device_id) const;
  /// A message came over this session: from now on its time limit counts. Nothing when it has ended meanwhile.
  void touch(const std::shared_ptr<DeviceSession>& session);
  /// What a session's link does when it is closed: forgets it and tells it.
  void close(std::string_view device_id);
  /// Ends at most `count` sessions, those unused for longest first.
  void end(std::size_t count);
  [[nodiscard]] std::size_t size() const { return map_.size(); }

 private:
  struct Door {
    Context context;
    std::shared_ptr<const AttachedGateways> gateways = std::make_shared<const AttachedGateways>();
  };
  static void on_silence(void* entry);
  [[nodiscard]] Entry* find(std::string_view device_id);
  Entry* open(Admission admission, const MakeLink& make_link);

  const std::shared_ptr<Door> door_;  // sessions may ask after this has gone
  const std::string network_id_;
  network::TimerWheel& timers_;
  const std::size_t max_;
  Millis silence_;
  std::list<Entry> entries_;                                              // the one used last stands first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> map_;  // keys live in the sessions
};

}  // namespace jl::access
