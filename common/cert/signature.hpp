#pragma once
// Detached Ed25519 signatures (RFC 8032) of files: who made a firmware, which its digest does not tell.
#include "common/base/result.hpp"
#include "common/cert/bundle.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace jl::cert {

inline constexpr std::size_t kSignatureBytes = 64;  ///< RFC 8032 5.1.6

/// The 64 bytes of a signature as it is handed over: themselves, which is what `openssl pkeyutl -sign -rawin` writes,
/// or base64 of them, with white space. Errors: invalid.
[[nodiscard]] Result<std::string> read_signature(std::string_view given);

/// Whether `signature` (64 bytes) is one over `content` by the key of one of the bundle's certificates: the leaves of
/// its entries, or, where it has none, those that it trusts. Dates and chains of the certificates are not looked at.
/// Errors: invalid (it is not, or the bundle has no certificate), unsupported (no Ed25519 key among them).
[[nodiscard]] Status verify_signature(std::string_view content, std::string_view signature, const Bundle& bundle);

/// The same over a file, which nobody may shorten meanwhile. Its pages are mapped: Ed25519 reads what it signs twice
/// when it signs and in one go when it verifies, so OpenSSL takes it only as a whole. Errors: also storage.
[[nodiscard]] Status verify_file_signature(const std::string& path, std::string_view signature, const Bundle& bundle);

}  // namespace jl::cert
