#pragma once
// Certificates and private keys in memory, whatever file they came from. What jlinkd's TLS layer loads, what the rules
// of the cert noun check, and what `jlctl cert check` looks at.
#include "common/base/time.hpp"

#include <openssl/types.h>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jl::cert {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

enum class Format : std::uint8_t { pem, pfx, jks };
/// "PEM", "PFX", "JKS".
[[nodiscard]] std::string_view to_string(Format format);

/// A private key with its certificates, leaf first. A PEM has at most one; key stores may have several.
struct Entry {
  std::string alias;  ///< friendlyName of PKCS#12, alias of JKS, printable, at most 203 bytes; "" for PEM
  Key key;            ///< may be null: certificates only
  std::vector<Certificate> chain;
};

/// All that one cert resource, or one file, holds.
struct Bundle {
  Format format = Format::pem;  ///< of its key, or what read_file found
  std::vector<Entry> entries;
  std::vector<Certificate> trust;  ///< whom it trusts: CAs that peers' certificates must lead to
};

}  // namespace jl::cert
