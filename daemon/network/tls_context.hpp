#pragma once
// What a TLS listener or client is configured with: one OpenSSL SSL_CTX made from a certificate bundle, immutable and
// shared. A renewed certificate is a new context, taken by the next handshake; open connections keep the one they have.
#include "common/base/result.hpp"
#include "common/cert/bundle.hpp"

#include <openssl/types.h>
#include <memory>
#include <string>
#include <string_view>

namespace jl::network {

struct TlsServerOptions {
  std::shared_ptr<const cert::Bundle> bundle;
  std::string alias;    ///< of the entry to use; empty with several entries: SNI chooses, the first is the default
  bool mutual = false;  ///< require a client certificate that leads to the bundle's trust
};

struct TlsClientOptions {
  std::shared_ptr<const cert::Bundle> bundle;  ///< nullptr or without trust = system trust
  std::string alias;
  bool mutual = false;      ///< present key and certificate (required then)
  bool verify_host = true;  ///< the peer's name must match; its chain is verified either way
  std::string host;         ///< name or address dialled: SNI and name check
};

class TlsContext {
 public:
  /// TLS 1.2 and 1.3, modern ciphers, session resumption, no renegotiation, no compression (network.md 5.5).
  /// Errors: invalid (with cert::pick's or OpenSSL's reason; field and message name what of the material failed).
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> server(const TlsServerOptions& options);
  /// The same over UDP: DTLS 1.2 alone. Its sessions ask for cookies (dtls_cookie.hpp) and keep to the MTU that they
  /// are given. Errors: invalid.
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> datagram_server(const TlsServerOptions& options);
  /// The same as server(), of the dialling side. Name check and trust are in the SSL_CTX itself, so that they also hold
  /// for libraries that take one. Errors: invalid.
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> client(const TlsClientOptions& options);
  virtual ~TlsContext() = default;
  [[nodiscard]] virtual SSL_CTX* get() const = 0;
  /// What a client asks for in SNI; empty on servers and for addresses (RFC 6066 §3 knows host names only).
  [[nodiscard]] virtual std::string_view server_name() const = 0;
};

}  // namespace jl::network
