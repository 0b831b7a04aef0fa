#pragma once
// A byte stream that jlinkd opens itself: a TCP connection, with TLS if wanted, or a serial line. Dialling, name lookup
// and handshake never block; each has its time limit. One at a time, over and over: open() again after the end. Lives
// on one I/O thread.
#include "common/base/result.hpp"
#include "daemon/network/io_thread.hpp"
#include "daemon/network/precise_timers.hpp"
#include "daemon/network/tls_context.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace jl::network {

/// A serial line as its device is to be set.
struct SerialOptions {
  std::string device;  ///< "/dev/ttyUSB0"
  int baud_rate = 9600;
  char parity = 'N';  ///< N, E, O
  int data_bits = 8, stop_bits = 1;
  bool rs485 = false;
  bool operator==(const SerialOptions&) const = default;
};

struct ClientStreamOptions {
  std::string host;  ///< "" = serial
  std::uint16_t port = 0;
  std::shared_ptr<const TlsContext> tls;  ///< nullptr = in the clear
  SerialOptions serial;
  Millis connect_timeout = 5000;  ///< lookup, connection and handshake together
};

/// Calls come on the stream's thread, from none of its own functions. Within each of them the stream may be used in any
/// way, destroyed too.
class ClientStreamHandler {
 public:
  virtual void on_open() = 0;
  virtual void on_bytes(std::string_view bytes) = 0;
  /// The end of it, or why it could not be opened: "connection refused", "certificate has expired", "/dev/ttyS9: no
  /// such file or directory". Not after close(). open() may be called from here.
  virtual void on_end(const std::string& why) = 0;

 protected:
  ~ClientStreamHandler() = default;
};

class ClientStream {
 public:
  static constexpr std::size_t kMaxUnsent = 64 * 1024;

  /// `timers` must outlive it, and the handler too.
  ClientStream(IoThread& thread, PreciseTimers& timers, ClientStreamHandler& handler);
  /// Closes.
  ~ClientStream();
  ClientStream(const ClientStream&) = delete;

  /// Begins to open; on_open() or on_end() follows, never within the call. Addresses of a name are tried one after the
  /// other. TCP connections have NODELAY and keepalive (30 s, then 3 probes 10 s apart).
  void open(const ClientStreamOptions& options);
  /// Sends at once what the socket takes and the rest when it takes more. False: with what waits it is more than
  /// kMaxUnsent, or it is not open (any more: on_end() follows); nothing of it was taken.
  bool send(std::string_view bytes);
  /// No call comes any more until open(). What waits to be sent is dropped.
  void close();
  [[nodiscard]] bool is_open() const;
  [[nodiscard]] std::string peer() const;  ///< "10.0.0.7:502", "/dev/ttyUSB0"; "" while it is not open

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jl::network
