#pragma once
// Digest authentication of SIP registrations (RFC 3261 §22, RFC 2617; MD5, with and without qop=auth). Nonces carry
// their time and a keyed hash, so nothing is kept for who does not answer.
#include "common/base/secret.hpp"
#include "common/base/time.hpp"
#include "daemon/wire/sip/message.hpp"

namespace jl::wire::sip {

enum class DigestVerdict : std::uint8_t { ok, wrong, stale, malformed };

class DigestGuard {
 public:
  static constexpr Millis kNonceLife = 60'000;
  /// `key` seals nonces; of this process or this daemon.
  DigestGuard(std::string realm, std::string key) : realm_(std::move(realm)), key_(std::move(key)) {}
  /// The value of WWW-Authenticate. `source` is bound into the nonce: it is worth nothing from elsewhere.
  [[nodiscard]] std::string challenge(Millis now, std::string_view source, bool stale) const;
  /// Compared in constant time. `stale`: the nonce is ours and too old; the password may be right.
  [[nodiscard]] DigestVerdict verify(const DigestCredentials& credentials, std::string_view method,
                                     std::string_view expected_username, const Secret& password, Millis now,
                                     std::string_view source) const;

 private:
  std::string realm_, key_;
};

/// The response of RFC 2617 §3.2.2.1, as a client computes it.
[[nodiscard]] std::string digest_response(const DigestCredentials& credentials, std::string_view method,
                                          std::string_view password);

}  // namespace jl::wire::sip
