#pragma once
// Reads PEM, PKCS#12 (PFX) and JKS into a Bundle (network.md 5.3, 5.4). The content decides what it is, not its name: a
// .jks may be PKCS#12 inside.
#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "common/cert/bundle.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace jl::cert {

/// Bounds on what one resource may bring; over them reading fails with Errc::too_large.
inline constexpr std::size_t kMaxBytes = 1u << 20u;    ///< of one file, decoded
inline constexpr std::size_t kMaxEntries = 64;         ///< keys in a store
inline constexpr std::size_t kMaxCertificates = 1024;  ///< in a chain or trust list

/// The material of one cert resource; empty = not given. PEM fields take PEM text or base64 of a PEM file (a value that
/// contains '-' is text). With an empty `cert` the `key` is read for both. Stores are raw bytes, not base64.
struct Source {
  Format format = Format::pem;
  std::string_view key, cert, trust;
  Secret key_password{};
  std::string_view keystore, trust_keystore;
  Secret keystore_password{}, trust_keystore_password{};
};

/// Errors: invalid with the field ("key", "cert", "trust", "keystore", "trustKeyStore") and a message that says what is
/// wrong and, for what is not supported (JCEKS, a store of legacy encryption), how to convert it.
[[nodiscard]] Result<Bundle> read(const Source& source);

/// Any one file as `cert check` takes it: sniffs PEM, DER certificate, PKCS#12, JKS. `password` may be empty, and is
/// that of a PEM key, or of a store and its keys. Certificates without a key are trust when all are CAs (PEM, DER), or
/// in a store; else an entry without key.
[[nodiscard]] Result<Bundle> read_file(std::string_view bytes, const Secret& password);

/// The base64 of JetLinks' fields (keystoreBase64), white space ignored. Errors: invalid, too_large.
[[nodiscard]] Result<std::string> decode_base64(std::string_view text);

/// The entry that privateKeyAlias means (network.md 5.4): ignoring case; with no alias the only entry.
/// Errors: invalid, naming the aliases that exist. PEM: the alias is ignored.
[[nodiscard]] Result<const Entry*> pick(const Bundle& bundle, std::string_view alias);

}  // namespace jl::cert
