#pragma once
// A SIP listener (RFC 3261 §18): UDP and TCP on one port. It knows messages by their bytes only: UDP by datagram, TCP
// by Content-Length. All of its handler's calls and its sending are on one I/O thread, its home, so that a device that
// changes its address or transport needs no lock.
#include "daemon/network/tcp_server.hpp"
#include "daemon/network/udp_server.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace jl::network {

/// Where a message came from, and so where the answer goes (NAT: never to what the message says).
struct SipPeer {
  PeerAddress address;
  bool tcp = false;
  std::weak_ptr<TcpConnection> connection;  ///< TCP
  std::size_t lane = 0;                     ///< UDP: index of the I/O thread whose socket it came by
  [[nodiscard]] std::string to_string() const { return address.to_string(); }
};

struct SipServerOptions {
  std::string id;  ///< for logs
  std::string host = "0.0.0.0";
  std::uint16_t port = 5060;               ///< 0 = any free one, the same for both
  std::size_t max_message = 65'535;        ///< bytes
  std::uint32_t max_connections = 20'000;  ///< TCP
  std::uint32_t max_message_rate = 200;    ///< messages of one address in one second; more are dropped; 0 = no limit
  std::chrono::milliseconds idle_timeout{600'000};  ///< TCP, without a byte either way
};

class SipServerHandler {
 public:
  virtual ~SipServerHandler() = default;
  /// One message, as it came. Keep-alives of one or two CRLF (RFC 5626 §3.5.1) are answered by the server itself.
  virtual void on_message(const SipPeer& from, std::string_view message) = 0;
};

class SipServer {
 public:
  /// Errors: address_in_use, denied, network, invalid (host).
  [[nodiscard]] static Result<std::unique_ptr<SipServer>> start(const SipServerOptions& options, IoThreads& threads,
                                                                IoThread& home,
                                                                std::shared_ptr<SipServerHandler> handler);
  virtual ~SipServer() = default;
  /// Only on the home thread. Errors: connection_lost (TCP), too_large, system_busy.
  [[nodiscard]] virtual Status send(const SipPeer& to, std::string message) = 0;
  /// Closes the sockets. When it returns the handler is not called any more. Not from an I/O thread.
  virtual void stop() = 0;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  struct Counters {
    std::uint64_t received = 0, sent = 0, dropped = 0, rate_limited = 0;
    std::uint32_t connections = 0;  ///< TCP
  };
  [[nodiscard]] virtual Counters counters() const = 0;
};

}  // namespace jl::network
