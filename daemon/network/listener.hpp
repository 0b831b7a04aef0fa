#pragma once
// A listening TCP socket on one I/O thread. It accepts in bounded batches and hands each socket on, ready for use
// (non-blocking, close-on-exec, TCP_NODELAY, SO_KEEPALIVE). When the process runs out of descriptors it sheds one
// connection, so that its peer is not left hanging, and pauses.
#include "daemon/base/log.hpp"
#include "daemon/network/address.hpp"
#include "daemon/network/io_thread.hpp"
#include "daemon/network/stream.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace jl::network {

class Listener final : private TurnMember {
 public:
  /// Takes an accepted socket, on the listener's thread.
  using Sink = std::function<void(Stream stream, const PeerAddress& peer)>;
  static constexpr int kBatch = 64;       ///< accepted per turn
  static constexpr Millis kPause = 1000;  ///< without accepting, after the process ran out of descriptors

  /// Binds and listens; nothing is accepted before start(). `label` names the owner in logs. `port` 0 = any free one.
  /// Errors: address_in_use, denied (privileged port), network (anything else of bind), invalid (host).
  [[nodiscard]] static Result<std::shared_ptr<Listener>> open(const std::string& host, std::uint16_t port,
                                                              std::string label, IoThread& thread);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// Starts accepting. Any thread.
  static void start(const std::shared_ptr<Listener>& self, Sink sink);
  /// Closes the socket and returns when no further connection will come out of it. Not from an I/O thread.
  static void stop(const std::shared_ptr<Listener>& self);

 private:
  Listener(Stream socket, std::string label, IoThread& thread);
  void on_readable() override;
  void on_writable() override {}
  void on_flush(bool) override {}
  /// Whether accepting may go on in this turn.
  bool after_failure(int error);
  void shed_one();
  void pause();
  void close();

  Stream socket_;
  Stream spare_;  // a descriptor in reserve, given up to accept and close one connection
  std::string label_;
  IoThread& thread_;
  std::uint16_t port_ = 0;
  Sink sink_;
  Timer resume_;
  log::RateLimit failures_;
};

}  // namespace jl::network
