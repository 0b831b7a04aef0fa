#pragma once
// One stream socket, non-blocking, and the only place that reads and writes it, in the clear or through TLS.
#include "common/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

namespace jl::network {

class TlsContext;
class TlsSession;

/// How one attempt to read or write went.
struct IoResult {
  enum class Status : std::uint8_t {
    ok,           ///< `bytes` went through, at least one
    would_block,  ///< nothing now; wait for readiness
    want_read,    ///< writing must wait for the socket to be readable (TLS handshake)
    want_write,   ///< reading must wait for the socket to be writable (TLS handshake)
    end,          ///< the peer sends no more (reading), or the file has no more (sending one)
    failed,       ///< the connection is gone; failure() may say why
  };
  Status status = Status::failed;
  std::size_t bytes = 0;
};

class Stream {
 public:
  Stream();
  /// Takes a non-blocking socket over.
  explicit Stream(int fd);
  ~Stream();
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  /// Puts TLS on a fresh connection, as the side that the context is for. The handshake runs inside read_some() and
  /// write_some(). Once only. Errors: failed (no memory).
  [[nodiscard]] Status secure(std::shared_ptr<const TlsContext> context);
  [[nodiscard]] bool is_secure() const { return tls_ != nullptr; }

  /// A short read means that the socket has nothing more now, unless has_pending().
  [[nodiscard]] IoResult read_some(std::span<char> buffer) const;
  /// After anything but failed the next call must begin with the bytes that were not taken.
  [[nodiscard]] IoResult write_some(std::string_view bytes) const;
  /// Writes bytes of a file without a copy; only in the clear, and on a thread that blocks SIGPIPE, as the I/O threads
  /// do. `end`: the file ends before them.
  [[nodiscard]] IoResult send_file(int file, std::uint64_t offset, std::size_t bytes) const;
  /// Bytes that were written and that the peer has not acknowledged yet.
  [[nodiscard]] std::size_t unacknowledged() const;
  /// Reads what is thrown away, so below TLS. read_some() must not follow.
  [[nodiscard]] IoResult discard_some(std::span<char> buffer) const;
  /// Tells the peer that nothing more comes. False: it must be said again when the socket is writable.
  [[nodiscard]] bool shutdown_write() const;
  /// Ends TLS in order if that is possible at once.
  void close();

  // Of TLS; in the clear nothing is pending, no handshake is needed, and the texts are empty.
  /// read_some() has more to give or to tell although the socket may never be readable again.
  [[nodiscard]] bool has_pending() const;
  [[nodiscard]] bool handshake_done() const;
  /// Why a call failed, in words.
  [[nodiscard]] std::string_view failure() const;
  /// Of the verified certificate that the peer presented ("CN=dev-1,O=Example").
  [[nodiscard]] std::string_view peer_subject() const;
  [[nodiscard]] std::string_view tls_version() const;  ///< "TLSv1.3"

 private:
  int fd_ = -1;
  std::unique_ptr<TlsSession> tls_;
};
static_assert(sizeof(Stream) <= 2 * sizeof(void*), "a connection in the clear pays one pointer for TLS");

}  // namespace jl::network
