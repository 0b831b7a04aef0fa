#pragma once
// The way back to a device: what carries its session, whatever the transport. Only on the session's thread.
#include "daemon/codec/protocol.hpp"
#include "daemon/network/io_thread.hpp"

#include <cstdint>
#include <string>

namespace jl::access {

/// Why a session is ended from this side.
enum class EndReason : std::uint8_t {
  taken_over,      ///< the device came in another way
  administrative,  ///< somebody disabled, deleted, moved or disconnected it
  refused,         ///< the protocol wants it closed: what came does not prove to be the device's
};

class DeviceLink {
 public:
  virtual ~DeviceLink() = default;
  [[nodiscard]] virtual codec::Transport transport() const = 0;
  /// Sends one message. Errors: system_busy (too much is unsent, or it is larger than the peer takes), connection_lost.
  [[nodiscard]] virtual Status send(const codec::Downlink& message) = 0;
  /// The device has been let in: what was held back for it until then leaves.
  virtual void welcomed() {}
  /// Whether a session of the device that came in another way is left alone: this one has no way down (HTTP).
  [[nodiscard]] virtual bool yields() const { return false; }
  /// Ends the way; DeviceSession::on_close follows, now or soon, unless it came already.
  virtual void close(EndReason reason) = 0;
  [[nodiscard]] virtual std::string peer() const = 0;  ///< for people: "192.0.2.7:50312"
  [[nodiscard]] virtual network::IoThread& thread() const = 0;
};

}  // namespace jl::access
