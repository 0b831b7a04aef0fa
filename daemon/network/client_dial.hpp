#pragma once
// Getting a TCP connection to a host: looks its name up and tries its addresses one after the other, without ever
// blocking. One attempt at a time. One I/O thread.
#include "daemon/network/io_thread.hpp"
#include "daemon/network/mqtt_client_lookup.hpp"
#include "daemon/network/precise_timers.hpp"
#include "daemon/network/stream.hpp"

#include <cstdint>
#include <functional>
#include <string>

namespace jl::network {

class ClientDial final : private TurnMember {
 public:
  static constexpr int kKeepIdle = 30, kKeepInterval = 10, kKeepProbes = 3;  ///< TCP keepalive: s, s, number

  /// Gets the connection, in the clear and with the options that such streams have. Errors: network, why the last
  /// address could not be reached: "connection refused".
  using Done = std::function<void(Result<Stream>)>;

  ClientDial(IoThread& thread, PreciseTimers& timers);
  ~ClientDial() { give_up(); }

  /// Calls `done` once, maybe within the call and as the last it does: `done` may start anew or destroy the dial.
  /// `deadline`, of Clock::steady(), is shared out: an address that does not answer leaves time for those after it. The
  /// last one is not given up here, that is for the caller.
  void start(const std::string& host, std::uint16_t port, Millis deadline, Done done);
  /// The same with numeric addresses.
  void try_each(Lookup::Addresses addresses, std::uint16_t port, Millis deadline, Done done);
  /// `done` is not called any more.
  void give_up();
  [[nodiscard]] bool is_looking_up() const { return lookup_.is_running(); }

 private:
  void on_readable() override { check(); }
  void on_writable() override { check(); }
  void on_flush(bool) override {}

  void try_next(Error reason);
  [[nodiscard]] Status begin(const std::string& address);
  void check();
  void drop();
  void finish(Result<Stream> result);

  IoThread& thread_;
  Lookup lookup_;
  Lookup::Addresses addresses_;  // yet to try, the next one last
  std::uint16_t port_ = 0;
  Millis deadline_ = 0;
  Stream socket_;       // while it connects
  PreciseTimer share_;  // of the time, of an address that is not the last
  Done done_;
};

/// Why a socket failed or ended, from its errno, in words.
[[nodiscard]] std::string socket_reason(int error);

}  // namespace jl::network
