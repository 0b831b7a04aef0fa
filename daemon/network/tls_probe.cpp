#include "daemon/network/tls_probe.hpp"

#include "daemon/network/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace jl::network {
namespace {

using Time = std::chrono::steady_clock;

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Session = std::unique_ptr<SSL, Freed<SSL_free>>;

std::string openssl_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason ? reason : "the connection was closed";
}

bool is_address(const std::string& host) {
  in6_addr buffer{};
  return ::inet_pton(AF_INET, host.c_str(), &buffer) == 1 || ::inet_pton(AF_INET6, host.c_str(), &buffer) == 1;
}

class Prober {
 public:
  explicit Prober(const TlsProbe& probe)
      : p_(probe), end_(Time::now() + probe.timeout), at_(host_and_port(probe.host, probe.port)) {}

  Result<TlsPeer> run() {
    JL_CHECK(connect());
    JL_CHECK(prepare());
    JL_CHECK(handshake());
    return peer();
  }

 private:
  // Waits for the socket; in slices, so that a daemon that stops need not wait.
  Status wait(short events) const {
    constexpr std::chrono::milliseconds kSlice{100};
    for (;;) {
      if (p_.cancelled && *p_.cancelled) return Error(Errc::unavailable, "the daemon is stopping");
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - Time::now());
      if (left.count() <= 0) return Error(Errc::timeout, "\"" + at_ + "\" did not answer in time");
      pollfd entry{socket_.get(), events, 0};
      const int ready = ::poll(&entry, 1, static_cast<int>(std::min(left, kSlice).count()));
      if (ready > 0) return {};
      if (ready < 0 && errno != EINTR) return Error(Errc::failed, std::string("poll: ") + std::strerror(errno));
    }
  }

  Status connect() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (const int code = ::getaddrinfo(p_.host.c_str(), std::to_string(p_.port).c_str(), &hints, &list); code != 0)
      return Error(Errc::job_failed, "\"" + p_.host + "\" cannot be looked up: " + ::gai_strerror(code));
    const std::unique_ptr<addrinfo, Freed<::freeaddrinfo>> owner(list);
    std::string reason;
    for (const addrinfo* one = list; one; one = one->ai_next) {
      socket_ = Socket(::socket(one->ai_family, one->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, one->ai_protocol));
      int failed = socket_.get() < 0 || ::connect(socket_.get(), one->ai_addr, one->ai_addrlen) != 0 ? errno : 0;
      if (failed == EINPROGRESS) {
        JL_CHECK(wait(POLLOUT));
        socklen_t length = sizeof failed;
        ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &failed, &length);
      }
      if (failed == 0) return {};
      reason = std::strerror(failed);
    }
    return Error(Errc::job_failed, "\"" + at_ + "\" cannot be connected to: " + reason);
  }

  Status prepare() {
    context_.reset(SSL_CTX_new(TLS_client_method()));
    if (!context_) return Error(Errc::failed, "TLS: " + openssl_reason());
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    // The chain is verified either way; without this the handshake goes on, so that it can be shown.
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_NONE, nullptr);
    if (p_.bundle && !p_.bundle->trust.empty()) {
      X509_STORE* store = SSL_CTX_get_cert_store(context_.get());
      for (const auto& certificate : p_.bundle->trust) X509_STORE_add_cert(store, certificate.get());
      // What is trusted need not be a root of its own.
      X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context_.get()), X509_V_FLAG_PARTIAL_CHAIN);
    } else {
      SSL_CTX_set_default_verify_paths(context_.get());
    }
    if (p_.identity && p_.identity->key && !p_.identity->chain.empty()) {
      bool good = SSL_CTX_use_certificate(context_.get(), p_.identity->chain.front().get()) == 1 &&
                  SSL_CTX_use_PrivateKey(context_.get(), p_.identity->key.get()) == 1;
      for (std::size_t i = 1; good && i < p_.identity->chain.size(); ++i)
        good = SSL_CTX_add1_chain_cert(context_.get(), p_.identity->chain[i].get()) == 1;
      if (!good) return Error(Errc::invalid, "the cert cannot be shown to the peer: " + openssl_reason());
    }
    session_.reset(SSL_new(context_.get()));
    const std::string& name = p_.server_name.empty() ? p_.host : p_.server_name;
    bool good = session_ && SSL_set_fd(session_.get(), socket_.get()) == 1;
    if (good && is_address(name)) {
      good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), name.c_str()) == 1;
    } else if (good) {
      good = ask_for(name) && SSL_set1_host(session_.get(), name.c_str()) == 1;
    }
    if (!good) return Error(Errc::invalid, "\"" + name + "\" is no name that TLS can ask for", {}, "serverName");
    return {};
  }

  // What SSL_set_tlsext_host_name stands for, without its cast.
  bool ask_for(std::string name) {
    return SSL_ctrl(session_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
  }

  Status handshake() {
    for (;;) {
      ERR_clear_error();
      const int done = SSL_connect(session_.get());
      if (done == 1) return {};
      switch (SSL_get_error(session_.get(), done)) {
        case SSL_ERROR_WANT_READ:
          JL_CHECK(wait(POLLIN));
          break;
        case SSL_ERROR_WANT_WRITE:
          JL_CHECK(wait(POLLOUT));
          break;
        default:
          return Error(Errc::job_failed, "\"" + at_ + "\": the TLS handshake failed: " + openssl_reason());
      }
    }
  }

  TlsPeer peer() {
    TlsPeer out;
    out.protocol = SSL_get_version(session_.get());
    out.cipher = SSL_get_cipher_name(session_.get());
    const long result = SSL_get_verify_result(session_.get());
    out.verified = result == X509_V_OK;
    if (!out.verified) out.reason = X509_verify_cert_error_string(result);
    const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(session_.get());
    for (int i = 0; i < sk_X509_num(chain); ++i) {
      X509* certificate = sk_X509_value(chain, i);
      X509_up_ref(certificate);
      out.chain.emplace_back(certificate, X509_free);
    }
    SSL_shutdown(session_.get());
    return out;
  }

  const TlsProbe& p_;
  const Time::time_point end_;
  const std::string at_;
  Socket socket_;
  Context context_;
  Session session_;
};

}  // namespace

Result<TlsPeer> probe_tls(const TlsProbe& probe) { return Prober(probe).run(); }

}  // namespace jl::network
