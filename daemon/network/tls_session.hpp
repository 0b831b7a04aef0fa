#pragma once
// TLS on one socket: the OpenSSL session below a Stream. It belongs to whoever has the stream, and to one thread at a
// time. Bytes move only within its calls; it never blocks and raises no SIGPIPE.
#include "daemon/network/stream.hpp"
#include "daemon/network/tls_context.hpp"

#include <openssl/types.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace jl::network {

class TlsSession {
 public:
  static constexpr int kQuietRounds = 4;  ///< of 16 KiB without application data that one read() works through

  /// `fd` must outlive it. Errors: failed (no memory).
  [[nodiscard]] static Result<std::unique_ptr<TlsSession>> start(int fd, std::shared_ptr<const TlsContext> context);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  /// Fills the buffer as far as the socket gives. The end is a close_notify, or a peer that left without a byte; a
  /// connection cut off otherwise has failed (RFC 8446 §6.1).
  [[nodiscard]] IoResult read(std::span<char> buffer);
  [[nodiscard]] IoResult write(std::string_view bytes);
  /// Sends close_notify; nothing when there is no session to close. False: the socket does not take it now.
  [[nodiscard]] bool send_close();

  [[nodiscard]] bool has_pending() const { return more_; }
  [[nodiscard]] bool handshake_done() const { return done_; }
  [[nodiscard]] std::string_view failure() const { return failure_; }
  [[nodiscard]] std::string_view peer_subject();
  [[nodiscard]] std::string_view version() const;

 private:
  struct Socket;  // what OpenSSL reads and writes through

  TlsSession(int fd, std::shared_ptr<const TlsContext> context);
  IoResult fail(int ssl_error);
  [[nodiscard]] std::string reason(int ssl_error) const;

  const int fd_;
  int error_ = 0;         // errno of the socket's failure
  char first_ = 0;        // byte that the peer sent
  bool heard_ = false;    // from the peer
  bool not_tls_ = false;  // by its first byte
  bool at_end_ = false;   // the socket's
  bool drained_ = false;  // nothing more in the socket, as this call knows
  bool more_ = false;     // the last read stopped before the socket did
  bool done_ = false;     // the handshake
  bool failed_ = false;
  bool closed_ = false;  // close_notify is out
  const std::shared_ptr<const TlsContext> context_;
  SSL* ssl_ = nullptr;
  std::string subject_;
  std::string failure_;
};

}  // namespace jl::network
