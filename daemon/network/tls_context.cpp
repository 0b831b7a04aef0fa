#include "daemon/network/tls_context.hpp"

#include "common/cert/read.hpp"
#include "daemon/network/dtls_cookie.hpp"
#include "daemon/network/tls_names.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <array>
#include <vector>

namespace jl::network {
namespace {

using Entries = std::vector<const cert::Entry*>;

constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";  // of TLS 1.2; those of 1.3 are all of this kind
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;          // 112 bits: RSA from 2048, EC from 224, no SHA-1
constexpr int kVerifyDepth = 8;            // certificates between a leaf and its anchor
constexpr long kMaxPeerChain = 64 * 1024;  // bytes of certificates that a peer may send
constexpr int kMaxCaNames = 16 * 1024;     // bytes of names in a certificate request; over them none are sent
constexpr long kResumable = 2 * 3600;      // seconds
constexpr std::size_t kTickets = 1;        // per TLS 1.3 handshake; a device opens one connection at a time
constexpr std::size_t kContextId = 16;     // bytes; ties sessions to the context that made them

/// Over TCP or UDP, as the side that listens or dials.
struct Kind {
  const SSL_METHOD* (*method)();
  int oldest, newest;  // versions
  bool datagrams;
};
constexpr Kind kStreamServer{&TLS_server_method, TLS1_2_VERSION, TLS1_3_VERSION, false};
constexpr Kind kStreamClient{&TLS_client_method, TLS1_2_VERSION, TLS1_3_VERSION, false};
constexpr Kind kDatagramServer{&DTLS_server_method, DTLS1_2_VERSION, DTLS1_2_VERSION, true};

/// Why OpenSSL failed; empties its queue.
std::string openssl_reason() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "out of memory";
}

Error unusable(std::string field, std::string_view what) {
  return {Errc::invalid, fmt::format("{}: {}", what, openssl_reason()), {}, std::move(field)};
}

std::string of_alias(const cert::Entry& entry) {
  return entry.alias.empty() ? std::string() : fmt::format(" of \"{}\"", entry.alias);
}

Result<std::shared_ptr<SSL_CTX>> make(const Kind& kind) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> made(SSL_CTX_new(kind.method()), &SSL_CTX_free);
  SSL_CTX* context = made.get();
  if (context == nullptr) return unusable({}, "TLS cannot be set up");
  SSL_CTX_set_security_level(context, kSecurityLevel);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA);
  // System-wide settings may have turned these on.
  SSL_CTX_clear_options(context, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_ALLOW_NO_DHE_KEX);
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // So that one call takes one record at most: a peer that sends only protocol messages cannot hold the thread.
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_verify_depth(context, kVerifyDepth);
  SSL_CTX_set_max_cert_list(context, kMaxPeerChain);
  const bool is_set = SSL_CTX_set_min_proto_version(context, kind.oldest) == 1 &&
                      SSL_CTX_set_max_proto_version(context, kind.newest) == 1 &&
                      SSL_CTX_set_cipher_list(context, kCiphers) == 1 &&
                      SSL_CTX_set_ciphersuites(context, TLS_DEFAULT_CIPHERSUITES) == 1 &&
                      SSL_CTX_set1_groups_list(context, kGroups) == 1;
  if (!is_set) return unusable({}, "TLS cannot be set up");
  return made;
}

Status use_entry(SSL_CTX* context, const cert::Entry& entry) {
  if (entry.key == nullptr || entry.chain.empty()) {
    return Error{Errc::invalid, fmt::format("no private key with a certificate{}", of_alias(entry)), {}, "key"};
  }
  if (SSL_CTX_use_certificate(context, entry.chain.front().get()) != 1) {
    return unusable("cert", "certificate" + of_alias(entry));
  }
  if (SSL_CTX_use_PrivateKey(context, entry.key.get()) != 1) return unusable("key", "private key" + of_alias(entry));
  for (std::size_t i = 1; i < entry.chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, entry.chain[i].get()) != 1) {
      return unusable("cert", fmt::format("certificate {}{}", i + 1, of_alias(entry)));
    }
  }
  return {};
}

Status use_trust(SSL_CTX* context, const std::vector<cert::Certificate>& trust) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const auto& certificate : trust) {
    if (X509_STORE_add_cert(store, certificate.get()) != 1) return unusable("trust", "trusted certificate");
  }
  // Whatever is trusted ends a chain, an intermediate CA as well: what JetLinks' trust stores mean.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  return {};
}

Status ask_for_certificates(SSL_CTX* context, const std::vector<cert::Certificate>& trust) {
  JL_CHECK(use_trust(context, trust));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  int bytes = 0;
  for (const auto& ca : trust) bytes += i2d_X509_NAME(X509_get_subject_name(ca.get()), nullptr) + 2;
  if (bytes > kMaxCaNames) return {};
  for (const auto& ca : trust) {
    if (SSL_CTX_add_client_CA(context, ca.get()) != 1) return unusable("trust", "trusted certificate");
  }
  return {};
}

/// What differs where a peer's address proves nothing and its bytes come in datagrams.
void use_datagrams(SSL_CTX* context, bool mutual) {
  ask_for_cookies(*context);
  // The MTU is given, not asked of the socket; one call works through a datagram, which bounds it.
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
  SSL_CTX_set_mode(context, SSL_MODE_AUTO_RETRY);
  // It also bounds what a fragment may claim of its message, for which memory is set aside.
  if (!mutual) SSL_CTX_set_max_cert_list(context, 0);
}

/// One SSL_CTX per entry, alike but for the certificate; the first is the one that connections start with.
class ServerContext final : public TlsContext {
 public:
  static Result<std::shared_ptr<const TlsContext>> make_from(const Entries& entries, const TlsServerOptions& options,
                                                             const Kind& kind);
  SSL_CTX* get() const override { return contexts_.front().get(); }
  std::string_view server_name() const override { return {}; }

 private:
  static int choose(SSL* session, int* alert, void* self);
  std::vector<std::shared_ptr<SSL_CTX>> contexts_;
  TlsNames names_;
};

int ServerContext::choose(SSL* session, int* alert, void* self) {
  const auto& server = *static_cast<const ServerContext*>(self);
  const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_CTX* wanted = server.contexts_[server.names_.find(name)].get();
  if (wanted == SSL_get_SSL_CTX(session) || SSL_set_SSL_CTX(session, wanted) != nullptr) return SSL_TLSEXT_ERR_OK;
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<std::shared_ptr<const TlsContext>> ServerContext::make_from(const Entries& entries,
                                                                   const TlsServerOptions& options, const Kind& kind) {
  std::array<unsigned char, kContextId> id{};
  if (RAND_bytes(id.data(), id.size()) != 1) return unusable({}, "TLS cannot be set up");
  auto server = std::make_shared<ServerContext>();
  for (const cert::Entry* entry : entries) {
    JL_TRY(auto made, make(kind));
    SSL_CTX* context = made.get();
    JL_CHECK(use_entry(context, *entry));
    if (options.mutual) JL_CHECK(ask_for_certificates(context, options.bundle->trust));
    if (kind.datagrams) use_datagrams(context, options.mutual);
    // Tickets carry the session, the server keeps none.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, kTickets);
    SSL_CTX_set_timeout(context, kResumable);
    if (SSL_CTX_set_session_id_context(context, id.data(), id.size()) != 1) return unusable({}, "TLS cannot be set up");
    if (entries.size() > 1) server->names_.add(*entry->chain.front(), server->contexts_.size());
    server->contexts_.push_back(std::move(made));
  }
  if (entries.size() > 1) {
    SSL_CTX_callback_ctrl(server->get(), SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, reinterpret_cast<void (*)()>(&choose));
    SSL_CTX_set_tlsext_servername_arg(server->get(), server.get());
  }
  return std::shared_ptr<const TlsContext>(std::move(server));
}

class ClientContext final : public TlsContext {
 public:
  ClientContext(std::shared_ptr<SSL_CTX> context, std::string server_name)
      : context_(std::move(context)), server_name_(std::move(server_name)) {}
  SSL_CTX* get() const override { return context_.get(); }
  std::string_view server_name() const override { return server_name_; }

 private:
  const std::shared_ptr<SSL_CTX> context_;
  const std::string server_name_;
};

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

Status verify_host(SSL_CTX* context, const std::string& host, bool address) {
  if (host.empty()) return Error{Errc::invalid, "no host to check the peer's certificate for", {}, "host"};
  X509_VERIFY_PARAM* rules = SSL_CTX_get0_param(context);
  X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int set = address ? X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str())
                          : X509_VERIFY_PARAM_set1_host(rules, host.data(), host.size());
  if (set != 1) return Error{Errc::invalid, fmt::format("host \"{}\" is no name", host), {}, "host"};
  return {};
}

Result<std::shared_ptr<const TlsContext>> serve(const TlsServerOptions& options, const Kind& kind) {
  if (options.bundle == nullptr) return Error{Errc::invalid, "TLS needs a certificate", {}, "certId"};
  if (options.mutual && options.bundle->trust.empty()) {
    return Error{Errc::invalid, "requiring client certificates needs the CAs to trust", {}, "trust"};
  }
  Entries entries;
  if (options.alias.empty()) {
    for (const cert::Entry& entry : options.bundle->entries) {
      if (entry.key != nullptr && !entry.chain.empty()) entries.push_back(&entry);
    }
    if (entries.empty()) return Error{Errc::invalid, "no private key with a certificate", {}, "key"};
  } else {
    JL_TRY(const cert::Entry* entry, cert::pick(*options.bundle, options.alias));
    entries.push_back(entry);
  }
  return ServerContext::make_from(entries, options, kind);
}

}  // namespace

Result<std::shared_ptr<const TlsContext>> TlsContext::server(const TlsServerOptions& options) {
  return serve(options, kStreamServer);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::datagram_server(const TlsServerOptions& options) {
  return serve(options, kDatagramServer);
}

Result<std::shared_ptr<const TlsContext>> TlsContext::client(const TlsClientOptions& options) {
  JL_TRY(auto context, make(kStreamClient));
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (options.bundle != nullptr && !options.bundle->trust.empty()) {
    JL_CHECK(use_trust(context.get(), options.bundle->trust));
  } else if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
    return unusable("trust", "the system's trusted certificates");
  }
  if (options.mutual) {
    if (options.bundle == nullptr) return Error{Errc::invalid, "presenting a certificate needs one", {}, "certId"};
    JL_TRY(const cert::Entry* entry, cert::pick(*options.bundle, options.alias));
    JL_CHECK(use_entry(context.get(), *entry));
  }
  const bool address = is_address(options.host);
  if (options.verify_host) JL_CHECK(verify_host(context.get(), options.host, address));
  return std::shared_ptr<const TlsContext>(
      std::make_shared<ClientContext>(std::move(context), address ? std::string() : options.host));
}

}  // namespace jl::network
