#include "daemon/network/tls_peer.hpp"

#include "common/cert/check.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string_view>

namespace jl::network {
namespace {

constexpr std::string_view kAlertWord = "alert ";

/// OpenSSL's words for why a peer's certificate was not accepted, with the common ones said plainly.
std::string verify_reason(long result) {
  switch (result) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return fmt::format("unknown ca ({})", X509_verify_cert_error_string(result));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the peer's certificate is for another host";
    default:
      return fmt::format("the peer's {}", X509_verify_cert_error_string(result));
  }
}

}  // namespace

std::string verified_subject(const SSL& session) {
  const X509* certificate = SSL_get0_peer_certificate(&session);
  if (certificate == nullptr || SSL_get_verify_result(&session) != X509_V_OK) return {};
  return cert::subject_of(*certificate);
}

std::string failure_reason(const SSL& session) {
  const unsigned long code = ERR_peek_error();
  const bool is_datagram = SSL_is_dtls(&session) == 1;
  const char* text = ERR_reason_error_string(code);
  const std::string_view words = text != nullptr ? text : is_datagram ? "DTLS error" : "TLS error";
  const int why = ERR_GET_REASON(code);
  if (why > SSL_AD_REASON_OFFSET && ERR_GET_LIB(code) == ERR_LIB_SSL) {
    const std::size_t alert = words.find(kAlertWord);  // "tlsv1 alert unknown ca"
    return fmt::format("refused by the peer: {}",
                       alert != std::string_view::npos ? words.substr(alert + kAlertWord.size()) : words);
  }
  switch (why) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return verify_reason(SSL_get_verify_result(&session));
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
      return is_datagram ? "the peer does not know DTLS 1.2" : "the peer knows neither TLS 1.2 nor 1.3";
    default:
      return std::string(words);
  }
}

}  // namespace jl::network
