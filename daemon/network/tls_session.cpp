#include "daemon/network/tls_session.hpp"

#include "daemon/network/tls_peer.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <cerrno>
#include <system_error>

namespace jl::network {
namespace {

constexpr char kAlertRecord = 21;
constexpr char kHandshakeRecord = 22;
constexpr char kMqttConnect = 0x10;

bool is_retry(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

std::string not_tls_reason(char first) {
  if (first == kMqttConnect) return "not TLS: plain MQTT";
  if ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z')) return "not TLS: plain HTTP or other text";
  return "not TLS";
}

}  // namespace

struct TlsSession::Socket {
  static int read(BIO* bio, char* to, std::size_t size, std::size_t* got) {
    auto& session = *static_cast<TlsSession*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *got = 0;
    if (session.drained_) {
      BIO_set_retry_read(bio);
      return 0;
    }
    const ssize_t count = ::recv(session.fd_, to, size, 0);
    if (count < 0) {
      session.error_ = errno;
      session.drained_ = is_retry(errno);
      if (session.drained_) BIO_set_retry_read(bio);
      return 0;
    }
    session.at_end_ = count == 0;
    if (count == 0) return 0;
    if (!session.heard_) {
      session.heard_ = true;
      session.first_ = to[0];
      session.not_tls_ = to[0] != kHandshakeRecord && to[0] != kAlertRecord;
      if (session.not_tls_) return 0;
    }
    *got = static_cast<std::size_t>(count);
    session.drained_ = *got < size;
    return 1;
  }

  static int write(BIO* bio, const char* from, std::size_t size, std::size_t* sent) {
    auto& session = *static_cast<TlsSession*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *sent = 0;
    const ssize_t count = ::send(session.fd_, from, size, MSG_NOSIGNAL);
    if (count < 0) {
      session.error_ = errno;
      if (is_retry(errno)) BIO_set_retry_write(bio);
      return 0;
    }
    *sent = static_cast<std::size_t>(count);
    return 1;
  }

  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  /// Made once and kept: sessions may end as late as the process does.
  static const BIO_METHOD* method() {
    static const BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "jlinkd socket");
      if (method == nullptr) return method;
      BIO_meth_set_read_ex(method, &Socket::read);
      BIO_meth_set_write_ex(method, &Socket::write);
      BIO_meth_set_ctrl(method, &Socket::control);
      return method;
    }();
    return made;
  }
};

Result<std::unique_ptr<TlsSession>> TlsSession::start(int fd, std::shared_ptr<const TlsContext> context) {
  ERR_clear_error();
  std::unique_ptr<TlsSession> session(new TlsSession(fd, std::move(context)));
  session->ssl_ = SSL_new(session->context_->get());
  BIO* bio = BIO_new(Socket::method());
  if (session->ssl_ == nullptr || bio == nullptr) {
    BIO_free(bio);
    ERR_clear_error();
    return Error{Errc::failed, "no memory for a TLS session"};
  }
  BIO_set_data(bio, session.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(session->ssl_, bio, bio);
  if (SSL_is_server(session->ssl_) == 1) {
    SSL_set_accept_state(session->ssl_);
    return session;
  }
  SSL_set_connect_state(session->ssl_);
  std::string name(session->context_->server_name());
  if (!name.empty() &&
      SSL_ctrl(session->ssl_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) != 1) {
    ERR_clear_error();
    return Error{Errc::invalid, fmt::format("host \"{}\" is no name", name), {}, "host"};
  }
  return session;
}

TlsSession::TlsSession(int fd, std::shared_ptr<const TlsContext> context) : fd_(fd), context_(std::move(context)) {}

TlsSession::~TlsSession() { SSL_free(ssl_); }

std::string_view TlsSession::version() const {
  return done_ ? std::string_view(SSL_get_version(ssl_)) : std::string_view();
}

std::string_view TlsSession::peer_subject() {
  if (!done_ || !subject_.empty()) return subject_;
  subject_ = verified_subject(*ssl_);
  return subject_;
}

IoResult TlsSession::read(std::span<char> buffer) {
  more_ = drained_ = false;
  if (failed_) return {IoResult::Status::failed, 0};
  std::size_t have = 0;
  const auto with = [&](IoResult::Status otherwise) {
    return IoResult{have > 0 ? IoResult::Status::ok : otherwise, have};
  };
  for (int quiet = 0; have < buffer.size();) {
    std::size_t got = 0;
    ERR_clear_error();
    const int done = SSL_read_ex(ssl_, buffer.data() + have, buffer.size() - have, &got);
    done_ = done_ || SSL_is_init_finished(ssl_) == 1;
    have += got;
    if (done == 1) continue;
    const int why = SSL_get_error(ssl_, done);
    if (why == SSL_ERROR_WANT_READ) {
      if (drained_) return with(IoResult::Status::would_block);
      if (++quiet < kQuietRounds) continue;
      more_ = true;
      return with(IoResult::Status::would_block);
    }
    more_ = have > 0;  // so that the caller comes back to hear the rest
    if (why == SSL_ERROR_WANT_WRITE) return with(IoResult::Status::want_write);
    if (why == SSL_ERROR_ZERO_RETURN || (at_end_ && !heard_)) return with(IoResult::Status::end);
    return with(fail(why).status);
  }
  more_ = true;
  return {IoResult::Status::ok, have};
}

IoResult TlsSession::write(std::string_view bytes) {
  if (failed_) return {IoResult::Status::failed, 0};
  drained_ = false;
  std::size_t sent = 0;
  const auto with = [&](IoResult::Status otherwise) {
    return IoResult{sent > 0 ? IoResult::Status::ok : otherwise, sent};
  };
  while (sent < bytes.size()) {
    std::size_t taken = 0;
    ERR_clear_error();
    const int done = SSL_write_ex(ssl_, bytes.data() + sent, bytes.size() - sent, &taken);
    done_ = done_ || SSL_is_init_finished(ssl_) == 1;
    sent += taken;
    if (done == 1) continue;
    const int why = SSL_get_error(ssl_, done);
    if (why == SSL_ERROR_WANT_WRITE) return with(IoResult::Status::would_block);
    if (why == SSL_ERROR_WANT_READ) return with(IoResult::Status::want_read);
    return fail(why);
  }
  return {IoResult::Status::ok, sent};
}

bool TlsSession::send_close() {
  if (!done_ || failed_ || closed_) return true;
  ERR_clear_error();
  const int sent = SSL_shutdown(ssl_);
  closed_ = sent >= 0 || SSL_get_error(ssl_, sent) != SSL_ERROR_WANT_WRITE;
  ERR_clear_error();
  return closed_;
}

IoResult TlsSession::fail(int ssl_error) {
  failed_ = true;
  failure_ = reason(ssl_error);
  ERR_clear_error();
  return {IoResult::Status::failed, 0};
}

std::string TlsSession::reason(int ssl_error) const {
  if (not_tls_) return not_tls_reason(first_);
  if (at_end_) return done_ ? "the connection was cut off" : "the peer left during the handshake";
  if (ssl_error == SSL_ERROR_SYSCALL && ERR_peek_error() == 0) return std::generic_category().message(error_);
  return failure_reason(*ssl_);
}

}  // namespace jl::network
