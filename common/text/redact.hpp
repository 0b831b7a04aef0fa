#pragma once
// What logs and debug output may show of a JSON value: the values of secret keys are masked, long ones are cut.
#include <boost/json.hpp>
#include <cstddef>
#include <string>
#include <string_view>

namespace jl::text {

/// What stands in place of a secret.
inline constexpr std::string_view kMask = "***";

/// Whether the value of this key is a secret, by its name alone: the key is cut into words at "_", "-", ".", spaces and
/// capitals ("secureKey" = secure, key), compared without case. It is a secret when
///  - a word is password(s), passwd, passphrase, pwd, pass, psk, secret(s), token(s), credential(s), bearer,
///    authorization or cookie, or ends in password, passwd, passphrase, pwd, secret, token ("userpassword"), or
///  - its last word is key(s) and it has another word but not public ("secureKey", "private_key", "apiKey"; in one word
///    securekey, secretkey, privatekey, accesskey, apikey, authkey),
/// unless its last word only names or measures one: id, ids, name, type, file, path, env, alias, at, time, expires,
/// expired, expiry, ttl, length, size, count, limit, policy, algorithm, format, public. So "secureId", "secretId",
/// "tokenType", "publicKey", "keyId", "key" and "monkey" are not.
[[nodiscard]] bool is_secret_key(std::string_view key);

/// The text with user and password of each URL in it (RFC 3986 3.2.1) masked: "https://***@host/".
[[nodiscard]] std::string mask_userinfo(std::string_view text);

struct RedactLimits {
  std::size_t text = 512;    ///< bytes of a text that are kept
  std::size_t depth = 16;    ///< deeper values become "..."
  std::size_t nodes = 2000;  ///< further values are left out
};

/// A copy of the value that is safe to log: also what URLs have in front of their hosts is masked. Texts are cut at a
/// character's end and get "... (N bytes)".
[[nodiscard]] boost::json::value redact(const boost::json::value& value, const RedactLimits& limits = {});

}  // namespace jl::text
