#pragma once
// DTLS with one peer, the listening side: OpenSSL between datagrams that come and datagrams that go. It knows no socket
// and no clock but OpenSSL's own for retransmissions, and belongs to one thread.
//
// Its life: listening (nobody's yet; it answers ClientHellos with cookies and keeps nothing of them) -> handshaking,
// with the peer that brought a cookie back -> open -> closed (close_notify, either side's) or failed.
#include "daemon/network/dtls_cookie.hpp"
#include "daemon/network/dtls_hello.hpp"
#include "daemon/network/tls_context.hpp"

#include <openssl/types.h>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace jl::network {

/// Where a session's datagrams go. Those that it cannot take are lost, as on any network.
class DtlsOutput {
 public:
  /// `payload`: bytes of the application in it; -1 = none.
  virtual void transmit(const PeerAddress& to, std::string_view datagram, std::int32_t payload) = 0;

 protected:
  ~DtlsOutput() = default;
};

class DtlsSession {
 public:
  enum class State : std::uint8_t { listening, handshaking, open, closed, failed };
  static constexpr std::size_t kMaxPayload = 16'384;  ///< bytes of one datagram: a record (RFC 6347 §4.1)
  static constexpr std::size_t kMaxOverhead = 64;     ///< bytes that a record is longer than its payload, at most
  static constexpr long kMtu = 1200;                  ///< bytes of a datagram of the handshake; larger ones get lost

  /// One that listens. `output` and `cookies` must outlive it. Errors: invalid (the context is not one for datagrams),
  /// failed (no memory).
  [[nodiscard]] static Result<std::unique_ptr<DtlsSession>> listen(std::shared_ptr<const TlsContext> context,
                                                                   const DtlsCookies& cookies, DtlsOutput& output);
  ~DtlsSession();
  DtlsSession(const DtlsSession&) = delete;
  DtlsSession& operator=(const DtlsSession&) = delete;

  /// What became of a ClientHello.
  enum class Greeting : std::uint8_t {
    ignored,   ///< it is malformed
    asked,     ///< it brought no cookie, or none that is good; one has been sent
    accepted,  ///< it brought a cookie that `from` was sent: the session is that peer's from now on; read() on
  };
  /// While listening: takes a datagram that find_client_hello() has found to be one.
  [[nodiscard]] Greeting accept(const PeerAddress& from, const ClientRandom& random, std::string_view datagram,
                                Millis steady_now);
  /// Puts in a datagram of the peer for read() to work on. Its bytes must stay until read() has returned nothing.
  void feed(std::string_view datagram) { input_ = datagram; }
  /// Goes on with what was fed: the handshake, alerts, and the payload of the next record in it, put into the buffer
  /// (kMaxPayload at least). Nothing: the datagram is used up; state() tells the rest.
  [[nodiscard]] std::optional<std::string_view> read(std::span<char> buffer);
  /// Sends one datagram of 1 to kMaxPayload bytes. False: not open, or no longer.
  [[nodiscard]] bool write(std::string_view payload);
  /// Ends it, with a close_notify when it is open.
  void close();
  /// Gives back 33 KiB of buffers until the next call; SSL_MODE_RELEASE_BUFFERS does that for streams alone.
  void rest();

  /// Milliseconds until on_timeout() is due; nothing = no flight waits for an answer.
  [[nodiscard]] std::optional<Millis> timeout_in() const;
  /// Sends the last flight of the handshake again, if that is due, or gives up.
  void on_timeout();

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] const PeerAddress& peer() const { return request_.peer; }
  [[nodiscard]] const ClientRandom& client_random() const { return random_; }
  [[nodiscard]] const TlsContext* context() const { return context_.get(); }
  /// Of the verified client certificate; "" without, and before it is open.
  [[nodiscard]] std::string_view peer_subject() const { return subject_; }
  /// Why it failed, in words.
  [[nodiscard]] std::string_view failure() const { return failure_; }

 private:
  struct Bio;  // what OpenSSL reads and writes through

  DtlsSession(std::shared_ptr<const TlsContext> context, const DtlsCookies& cookies, DtlsOutput& output);
  void note_handshake();
  void note_result(int result);
  void fail();

  const std::shared_ptr<const TlsContext> context_;
  DtlsOutput& output_;
  CookieRequest request_;
  SSL* ssl_ = nullptr;
  std::string_view input_;     // what is left of the datagram at hand
  std::int32_t payload_ = -1;  // of the record that is being written
  State state_ = State::listening;
  bool has_written_ = false;  // since this was made false
  ClientRandom random_{};
  std::string subject_;
  std::string failure_;
};

}  // namespace jl::network
