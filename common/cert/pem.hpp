#pragma once
// The blocks of a PEM text (RFC 7468, and RFC 1421 headers of encrypted keys). Lenient as people paste: any line
// lengths, indentation, CRLF, a byte order mark, text between the blocks.
#include "common/cert/openssl.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jl::cert {

struct PemBlock {
  std::string label;    ///< "CERTIFICATE"
  std::string headers;  ///< "Proc-Type: 4,ENCRYPTED\nDEK-Info: ...\n" or ""
  Secret data;          ///< decoded
  std::size_t line = 0;
};

/// Every block in order; bounded by the text. Errors: invalid, with the line, and without field.
[[nodiscard]] Result<std::vector<PemBlock>> split_pem(std::string_view text);

/// A block that holds a private key, usable or not.
[[nodiscard]] bool is_key(const PemBlock& block);
/// A certificate, also in OpenSSL's trusted form.
[[nodiscard]] bool is_certificate(const PemBlock& block);

/// Errors: invalid (damaged, password missing or wrong), unsupported (with how to convert), too_large.
[[nodiscard]] Result<Key> key_of(const PemBlock& block, const Secret& password, WorkBudget& budget);
/// All certificates in order. Errors: invalid, too_large.
[[nodiscard]] Result<std::vector<Certificate>> certificates_of(const std::vector<PemBlock>& blocks);

/// "what was found" for a message: "a PRIVATE KEY and a CERTIFICATE REQUEST", "no PEM block".
[[nodiscard]] std::string found_in(const std::vector<PemBlock>& blocks);

}  // namespace jl::cert
