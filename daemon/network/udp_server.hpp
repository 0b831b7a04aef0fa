#pragma once
// The UDP component: one socket per I/O thread on the same address (SO_REUSEPORT, so that a peer's datagrams stay on
// one thread), in the clear or with DTLS 1.2. It keeps nothing of peers in the clear; a DTLS session is known by its
// peer's address. A handler takes the datagrams.
#include "daemon/network/address.hpp"
#include "daemon/network/io_thread.hpp"
#include "daemon/network/stream_connection.hpp"
#include "daemon/network/tls_context.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jl::network {

struct UdpServerOptions {
  std::string id;  ///< of the component, for logs
  std::string host = "0.0.0.0";
  std::uint16_t port = 0;                  ///< 0 = any free one (tests)
  std::shared_ptr<const TlsContext> dtls;  ///< of TlsContext::datagram_server; nullptr = in the clear
  std::uint32_t max_sessions = 100'000;    ///< DTLS sessions, handshakes included; more are not answered
  std::uint32_t max_handshakes = 1000;     ///< of them on their way at once
  std::chrono::seconds handshake_timeout{10};
  std::chrono::seconds session_timeout{600};  ///< silence after which a DTLS session ends
  std::uint32_t max_message_rate = 0;  ///< datagrams of one address in one second; more are dropped; 0 = no limit
};

/// Counters of one component since it started. Written by the I/O threads, read by anyone. Bytes are those of
/// datagrams, inside DTLS where there is DTLS.
struct UdpCounters {
  std::atomic<std::uint64_t> received{0}, sent{0}, received_bytes{0}, sent_bytes{0};
  std::atomic<std::uint64_t> dropped{0};  ///< not sent: the socket took no more or refused it, or the commit failed
  std::atomic<std::uint64_t> rate_limited{0}, over_limit{0};
  std::atomic<std::uint64_t> cookies{0};  ///< first flights that were answered with a cookie (RFC 6347 §4.2.1)
  std::atomic<std::uint64_t> dtls_handshakes{0}, dtls_failures{0};
  std::atomic<std::uint32_t> sessions{0};  ///< DTLS sessions now
};

/// The component's socket on one thread.
class UdpLane {
 public:
  /// Sends one datagram once the turn is committed. False: too much waits, or it is larger than 65,507 bytes (DTLS:
  /// 16,384, and not empty), or (DTLS) there is no session with this peer. Only on the lane's thread.
  [[nodiscard]] virtual bool send(const PeerAddress& to, std::string_view datagram) = 0;
  /// Ends the DTLS session with this peer; nothing in the clear.
  virtual void close(const PeerAddress& peer) = 0;
  [[nodiscard]] virtual IoThread& thread() const = 0;

 protected:
  ~UdpLane() = default;
};

/// Takes what comes. Every call is on the lane's thread; a lane lives until the server has stopped.
class UdpServerHandler {
 public:
  virtual ~UdpServerHandler() = default;
  /// `tls_subject`: of the certificate that DTLS verified, "" without.
  virtual void on_datagram(UdpLane& lane, const PeerAddress& from, std::string_view datagram,
                           std::string_view tls_subject) = 0;
  /// A DTLS session ended by itself: the peer closed it, or was silent for too long.
  virtual void on_gone(UdpLane& lane, const PeerAddress& peer) = 0;
};

class UdpServer {
 public:
  /// Errors: address_in_use, denied (privileged port), network, invalid (host).
  [[nodiscard]] static Result<std::unique_ptr<UdpServer>> start(const UdpServerOptions& options, IoThreads& threads,
                                                                std::shared_ptr<UdpServerHandler> handler);
  virtual ~UdpServer() = default;
  /// Ends DTLS sessions (close_notify) and closes the sockets. When it returns the handler is not called any more. Not
  /// from an I/O thread.
  virtual void stop() = 0;
  /// New limits and DTLS context, for sessions that begin from now on. host and port are not changed.
  virtual void update(const UdpServerOptions& options) = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  [[nodiscard]] virtual const UdpCounters& counters() const = 0;
};

}  // namespace jl::network
