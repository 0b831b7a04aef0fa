#pragma once
// Whether a bundle will work for what it is meant for, and what it is, in words and as JSON (network.md 5.2 to 5.5).
#include "common/base/error.hpp"
#include "common/cert/bundle.hpp"

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

namespace jl::cert {

enum class Mode : std::uint8_t { server, client };

/// Certificates that end within this are warned of.
inline constexpr Millis kExpiryWarning = Millis{30} * 24 * 3600 * 1000;

/// What is wrong (it cannot work) and what is only worth knowing. Checked: presence (server: key and chain; mutual:
/// trust as well, on clients key and chain), the key matches its leaf, the chain is in order and each is signed by the
/// next, it is complete up to a CA (warning), dates (expired and not yet valid: warnings; so is the end within 30
/// days), key strength (RSA under 2048 bits, EC under 224: errors; SHA-1 or MD5 signatures: warnings), CA flags of
/// trust (warning).
struct Findings {
  std::vector<Problem> errors;  ///< field "key", "cert", "trust", "keystore", ...; message; code invalid
  std::vector<std::string> warnings;
};
[[nodiscard]] Findings check(const Bundle& bundle, Mode mode, bool mutual, Millis now);

/// {"entries":[{alias?, key:{type:"EC P-256"|"RSA 2048"|"Ed25519", ...}, certificates:[{subject, issuer, sans[],
/// notBefore, notAfter, serial, keyType, signature, isCa, fingerprint:"AB:CD:..." (SHA-256)}]}], "trust":[{...}]};
/// times RFC 3339 UTC; nothing secret.
[[nodiscard]] boost::json::object describe(const Bundle& bundle);

/// When the first of its own certificates (not of trust, unless there is nothing else) ends; epoch ms, 0 = has none.
[[nodiscard]] Millis not_after(const Bundle& bundle);
/// "ok", "expiring" (within 30 days), "expired", "not_yet_valid" or "empty".
[[nodiscard]] std::string_view validity(const Bundle& bundle, Millis now);

/// "CN=gateway.example,O=Example" (RFC 2253 order as OpenSSL prints it, UTF-8), for logs and authentication.
[[nodiscard]] std::string subject_of(const X509& certificate);
/// SHA-256 over the DER form: "AB:CD:...".
[[nodiscard]] std::string fingerprint_of(const X509& certificate);

}  // namespace jl::cert
