#include "daemon/network/coap_dtls.hpp"

#include "common/cert/check.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <memory>
#include <utility>

namespace jl::network {
namespace {

// RFC 7252 §9.1.3 wants the CCM_8 ones. A client that offers a shared key is meant to use it.
constexpr const char* kCiphers =
    "ECDHE-PSK-CHACHA20-POLY1305:PSK-AES128-GCM-SHA256:PSK-AES256-GCM-SHA384:PSK-CHACHA20-POLY1305:PSK-AES128-CCM:"
    "PSK-AES256-CCM:PSK-AES128-CCM8:PSK-AES256-CCM8:"
    "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES128-CCM8:ECDHE-ECDSA-AES256-CCM8";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;
constexpr int kVerifyDepth = 8;
constexpr long kMaxPeerChain = 64 * 1024;

/// Hangs on the SSL; its end tells that the BIO is not used by it any more.
struct Keepsake {
  BIO* bio;
  DtlsRemains* remains;
  bool is_established = false;
};

void on_ssl_free(void*, void* keepsake, CRYPTO_EX_DATA*, int, long, void*) {
  if (keepsake == nullptr) return;
  const auto* kept = static_cast<Keepsake*>(keepsake);
  kept->remains->add(kept->bio, kept->is_established);
  delete kept;
}

int keepsake_index() {
  static const int index = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_SSL, 0, nullptr, nullptr, nullptr, &on_ssl_free);
  return index;
}

bool keep_bio(SSL& ssl, DtlsRemains& remains) {
  BIO* bio = SSL_get_rbio(&ssl);
  if (keepsake_index() < 0 || bio == nullptr) return false;
  if (SSL_get_ex_data(&ssl, keepsake_index()) != nullptr) return true;
  auto kept = std::make_unique<Keepsake>(Keepsake{bio, &remains});
  if (SSL_set_ex_data(&ssl, keepsake_index(), kept.get()) != 1) return false;
  kept.release();
  BIO_up_ref(bio);
  return true;
}

int accept_verdict(int ok, X509_STORE_CTX*) { return ok; }

bool use_certificate(SSL& ssl, SSL_CTX* from) {
  STACK_OF(X509)* chain = nullptr;
  SSL_CTX_get0_chain_certs(from, &chain);
  return SSL_use_cert_and_key(&ssl, SSL_CTX_get0_certificate(from), SSL_CTX_get0_privatekey(from), chain, 1) == 1;
}

bool verify_client(SSL& ssl, SSL_CTX* from) {
  SSL_set_verify(&ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT | SSL_VERIFY_CLIENT_ONCE, &accept_verdict);
  SSL_set_verify_depth(&ssl, kVerifyDepth);
  STACK_OF(X509_NAME)* names = SSL_dup_CA_list(SSL_CTX_get_client_CA_list(from));
  if (names != nullptr) SSL_set_client_CA_list(&ssl, names);
  // Not the store of libcoap's SSL_CTX, which keeps what was trusted before.
  return SSL_set1_verify_cert_store(&ssl, SSL_CTX_get_cert_store(from)) == 1;
}

}  // namespace

void DtlsRemains::add(BIO* bio, bool was_established) {
  bios_.push_back(bio);
  if (!was_established) ++failed_;
}

std::size_t DtlsRemains::clear() {
  for (BIO* bio : bios_) BIO_free(bio);
  bios_.clear();
  return std::exchange(failed_, 0);
}

void note_handshake(SSL& ssl) {
  if (auto* kept = static_cast<Keepsake*>(SSL_get_ex_data(&ssl, keepsake_index()))) kept->is_established = true;
}

bool prepare_dtls(SSL& ssl, const TlsContext* context, bool mutual, DtlsRemains& remains) {
  if (!keep_bio(ssl, remains)) return false;
  SSL_set_security_level(&ssl, kSecurityLevel);
  SSL_set_options(&ssl,
                  SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // A resumed session would not tell the identity again.
  SSL_CTX_set_session_cache_mode(SSL_get_SSL_CTX(&ssl), SSL_SESS_CACHE_OFF);
  SSL_set_max_cert_list(&ssl, kMaxPeerChain);
  SSL_set_verify(&ssl, SSL_VERIFY_NONE, &accept_verdict);
  if (SSL_set_cipher_list(&ssl, kCiphers) != 1 || SSL_set1_groups_list(&ssl, kGroups) != 1) return false;
  const bool done =
      context == nullptr || (use_certificate(ssl, context->get()) && (!mutual || verify_client(ssl, context->get())));
  if (!done) ERR_clear_error();
  return done;
}

std::string dtls_subject(SSL& ssl) {
  const X509* certificate = SSL_get0_peer_certificate(&ssl);
  if (certificate == nullptr || SSL_get_verify_result(&ssl) != X509_V_OK) return {};
  return cert::subject_of(*certificate);
}

}  // namespace jl::network
