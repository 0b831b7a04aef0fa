#include "daemon/network/dtls_session.hpp"

#include "daemon/network/tls_peer.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/time.h>
#include <algorithm>
#include <cstring>

namespace jl::network {
namespace {

Millis round_up(const timeval& time) {
  return static_cast<Millis>(time.tv_sec) * 1000 + (static_cast<Millis>(time.tv_usec) + 999) / 1000;
}

}  // namespace

struct DtlsSession::Bio {
  static DtlsSession& of(BIO* bio) { return *static_cast<DtlsSession*>(BIO_get_data(bio)); }

  /// One datagram per call, as recv() does; what the buffer has no room for is lost with it.
  static int read(BIO* bio, char* to, std::size_t size, std::size_t* got) {
    DtlsSession& session = of(bio);
    BIO_clear_retry_flags(bio);
    *got = std::min(size, session.input_.size());
    if (*got == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    std::memcpy(to, session.input_.data(), *got);
    session.input_ = {};
    return 1;
  }

  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* sent) {
    DtlsSession& session = of(bio);
    BIO_clear_retry_flags(bio);
    *sent = size;
    session.has_written_ = true;
    session.output_.transmit(session.request_.peer, {from, size}, session.payload_);
    return 1;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  /// Made once and kept: sessions may end as late as the process does.
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "jlinkd datagrams");
      if (method == nullptr) return method;
      BIO_meth_set_read_ex(method, &Bio::read);
      BIO_meth_set_write_ex(method, &Bio::write);
      BIO_meth_set_ctrl(method, &Bio::control);
      return method;
    }();
    return made;
  }
};

Result<std::unique_ptr<DtlsSession>> DtlsSession::listen(std::shared_ptr<const TlsContext> context,
                                                         const DtlsCookies& cookies, DtlsOutput& output) {
  ERR_clear_error();
  std::unique_ptr<DtlsSession> session(new DtlsSession(std::move(context), cookies, output));
  session->ssl_ = SSL_new(session->context_->get());
  BIO* bio = BIO_new(Bio::method());
  if (session->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    ERR_clear_error();
    return Error{Errc::failed, "no memory for a DTLS session"};
  }
  BIO_set_data(bio, session.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(session->ssl_, bio, bio);
  if (SSL_is_dtls(session->ssl_) != 1) return Error{Errc::invalid, "a TLS context cannot serve datagrams"};
  SSL_set_accept_state(session->ssl_);
  SSL_set_mtu(session->ssl_, kMtu);
  attach_cookie_request(*session->ssl_, session->request_);
  return session;
}

DtlsSession::DtlsSession(std::shared_ptr<const TlsContext> context, const DtlsCookies& cookies, DtlsOutput& output)
    : context_(std::move(context)), output_(output), request_{cookies, {}, 0} {}

DtlsSession::~DtlsSession() { SSL_free(ssl_); }

DtlsSession::Greeting DtlsSession::accept(const PeerAddress& from, const ClientRandom& random,
                                          std::string_view datagram, Millis steady_now) {
  request_.peer = from;
  request_.steady_now = steady_now;
  input_ = datagram;
  has_written_ = false;
  // OpenSSL leaves it empty: it has no socket to ask for the address.
  const std::unique_ptr<BIO_ADDR, decltype(&BIO_ADDR_free)> nobody(BIO_ADDR_new(), &BIO_ADDR_free);
  ERR_clear_error();
  const bool is_accepted = nobody != nullptr && DTLSv1_listen(ssl_, nobody.get()) == 1;
  ERR_clear_error();
  input_ = {};
  if (!is_accepted) return has_written_ ? Greeting::asked : Greeting::ignored;
  random_ = random;
  state_ = State::handshaking;
  return Greeting::accepted;
}

std::optional<std::string_view> DtlsSession::read(std::span<char> buffer) {
  if (state_ != State::handshaking && state_ != State::open) return std::nullopt;
  std::size_t got = 0;
  ERR_clear_error();
  const int result = SSL_read_ex(ssl_, buffer.data(), buffer.size(), &got);
  note_handshake();
  if (result == 1) return std::string_view(buffer.data(), got);
  note_result(result);
  return std::nullopt;
}

bool DtlsSession::write(std::string_view payload) {
  if (state_ != State::open || payload.empty() || payload.size() > kMaxPayload) return false;
  ERR_clear_error();
  // rest() may have taken the buffers; writing does not ask for new ones as reading does.
  if (SSL_alloc_buffers(ssl_) != 1) return false;
  payload_ = static_cast<std::int32_t>(payload.size());
  std::size_t sent = 0;
  const int result = SSL_write_ex(ssl_, payload.data(), payload.size(), &sent);
  payload_ = -1;
  if (result == 1) return true;
  note_result(result);
  return false;
}

void DtlsSession::close() {
  if (state_ == State::open) {
    ERR_clear_error();
    if (SSL_alloc_buffers(ssl_) == 1) SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  state_ = State::closed;
}

void DtlsSession::rest() {
  if (state_ == State::open) SSL_free_buffers(ssl_);
}

std::optional<Millis> DtlsSession::timeout_in() const {
  timeval left{};
  if (DTLSv1_get_timeout(ssl_, &left) != 1) return std::nullopt;
  return round_up(left);
}

void DtlsSession::on_timeout() {
  if (state_ != State::handshaking) return;
  ERR_clear_error();
  if (DTLSv1_handle_timeout(ssl_) < 0) fail();
}

void DtlsSession::note_handshake() {
  if (state_ != State::handshaking || SSL_is_init_finished(ssl_) != 1) return;
  state_ = State::open;
  subject_ = verified_subject(*ssl_);
}

void DtlsSession::note_result(int result) {
  const int why = SSL_get_error(ssl_, result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
  // The answer to a close_notify is one, and there is nothing to wait for after it (RFC 5246 §7.2.1).
  if (why == SSL_ERROR_ZERO_RETURN) return close();
  fail();
}

void DtlsSession::fail() {
  failure_ = failure_reason(*ssl_);
  state_ = State::failed;
  ERR_clear_error();
}

}  // namespace jl::network
