#pragma once
// The two dates of a certificate as epoch milliseconds. For this folder only.
#include "common/cert/openssl.hpp"

#include <openssl/asn1.h>
#include <ctime>

namespace jl::cert {

/// What cannot be read as a time counts as long ago, 1 ms after the epoch: it will be reported as expired.
inline Millis millis_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 1;
  const auto seconds = timegm(&parts);
  return seconds > 0 ? static_cast<Millis>(seconds) * 1000 : 1;
}
inline Millis not_before_of(const X509& certificate) { return millis_of(X509_get0_notBefore(&certificate)); }
inline Millis not_after_of(const X509& certificate) { return millis_of(X509_get0_notAfter(&certificate)); }

}  // namespace jl::cert
