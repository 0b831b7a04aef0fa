#pragma once
// A listening TCP socket and its connections, whatever they speak: takes them in within the limits, spreads them over
// the I/O threads, and ends them.
#include "daemon/network/listener.hpp"
#include "daemon/network/stream_connection.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace jl::network {

class StreamServer {
 public:
  /// Makes the protocol's connection out of an accepted socket. On the listener's thread.
  using Make = std::function<std::shared_ptr<StreamConnection>(StreamLane& lane, Stream stream, const PeerAddress& peer,
                                                               bool over_limit)>;
  /// Binds and listens. Errors: address_in_use, denied (privileged port), network (`bind 0.0.0.0:1883: ...`), invalid
  /// (host).
  [[nodiscard]] static Result<std::unique_ptr<StreamServer>> start(IoThreads& threads,
                                                                   std::shared_ptr<StreamComponent> component,
                                                                   Make make);
  ~StreamServer();
  StreamServer(const StreamServer&) = delete;

  /// Stops accepting, shuts every connection down, and waits for them at most `drain`. Not from an I/O thread.
  void stop(std::chrono::milliseconds drain);
  [[nodiscard]] std::uint16_t port() const { return listener_->port(); }
  /// Every open connection, gathered on the threads; `done` is called once, on one of them.
  void list(std::function<void(std::vector<ConnectionInfo>)> done) const;

 private:
  StreamServer(std::shared_ptr<Listener> listener, std::shared_ptr<StreamComponent> component)
      : listener_(std::move(listener)), component_(std::move(component)) {}
  const std::shared_ptr<Listener> listener_;
  const std::shared_ptr<StreamComponent> component_;
  bool stopped_ = false;
};

}  // namespace jl::network
