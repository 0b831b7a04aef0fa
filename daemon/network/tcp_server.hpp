#pragma once
// The TCP server component (TCP服务): a listener whose connections cut what comes into frames (network.md 2). It knows
// nothing of devices: a handler takes the frames.
#include "daemon/network/stream_connection.hpp"
#include "daemon/wire/framing/framer.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {

struct TcpServerOptions : StreamOptions {
  std::shared_ptr<const wire::framing::FramingRule> framing;  ///< for connections accepted from now on
  std::chrono::milliseconds idle_timeout{600'000};            ///< without a byte either way; <= 0 = never
};

/// State that the handler hangs on a connection. Destroyed on the connection's thread after on_close.
class TcpAttachment {
 public:
  virtual ~TcpAttachment() = default;
};

/// One client. Only its own thread touches it; others hold a weak_ptr and go through thread().post().
class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  virtual ~TcpConnection() = default;
  /// The client is known now: connect_timeout is over, idle_timeout counts. `client` is for lists.
  virtual void identify(std::string client) = 0;
  /// Sends a whole frame. False: the connection is over, or too much is unsent.
  [[nodiscard]] virtual bool send(std::string_view frame) = 0;
  /// A frame could not be decoded (network.md 2.6).
  virtual void reset_framing() = 0;
  /// What was sent still leaves, then the connection ends.
  virtual void close() = 0;
  [[nodiscard]] virtual std::string peer() const = 0;
  [[nodiscard]] virtual std::string_view tls_subject() const = 0;
  [[nodiscard]] virtual IoThread& thread() const = 0;
  std::unique_ptr<TcpAttachment> attachment;
};

/// Takes what the connections of a component do. Every call is on the connection's own thread.
class TcpServerHandler {
 public:
  virtual ~TcpServerHandler() = default;
  /// Whether anybody is there for a new connection; else it is closed at once (network.md 4.7).
  virtual bool on_open(TcpConnection& connection) = 0;
  virtual void on_frame(TcpConnection& connection, std::string_view frame) = 0;
  /// The last call, for connections that on_open() took. `by_us`: this side ended it.
  virtual void on_close(TcpConnection& connection, bool by_us) = 0;
};

class TcpServer {
 public:
  /// Errors: those of StreamServer::start.
  [[nodiscard]] static Result<std::unique_ptr<TcpServer>> start(const TcpServerOptions& options, IoThreads& threads,
                                                                std::shared_ptr<TcpServerHandler> handler);
  virtual ~TcpServer() = default;
  /// Stops accepting, closes every connection, and waits for them at most `drain`. Not from an I/O thread.
  virtual void stop(std::chrono::milliseconds drain) = 0;
  /// New limits, framing and TLS context, for connections accepted from now on. host and port are not changed.
  virtual void update(const TcpServerOptions& options) = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual const StreamCounters& counters() const = 0;
  virtual void list(std::function<void(std::vector<ConnectionInfo>)> done) const = 0;
};

}  // namespace jl::network
