#pragma once
// Makes keys and certificates for labs: self-signed, or signed by a CA that is a bundle itself.
#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "common/cert/bundle.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace jl::cert {

enum class KeyType : std::uint8_t { ec_p256, ec_p384, rsa_2048, rsa_4096, ed25519 };

struct Request {
  KeyType key_type = KeyType::ec_p256;
  std::string common_name;         ///< 1 to 64 characters
  std::vector<std::string> names;  ///< subjectAltNames: host names (also *.x), IP addresses; at most 64. None:
                                   ///< common_name, if it is one and this is no CA
  bool is_ca = false;              ///< signs others: a self-signed one also CAs, one level; else server and client auth
  int days = 365;                  ///< 1 to 36500
  Millis now = 0;                  ///< notBefore is an hour earlier; never outlives its issuer
};

struct Generated {
  Secret key_pem;        ///< PKCS#8
  std::string cert_pem;  ///< leaf first; with an issuer its chain follows
};
/// `issuer` nullptr = self-signed. Takes up to a second for RSA 4096. Errors: invalid (field of the request, or the
/// issuer is no CA or has no key).
[[nodiscard]] Result<Generated> generate(const Request& request, const Entry* issuer);

}  // namespace jl::cert
