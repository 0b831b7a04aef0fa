#pragma once
// The two kinds of key store, PKCS#12 and Java's JKS, read into one form. For this folder only.
#include "common/cert/openssl.hpp"

#include <string_view>
#include <vector>

namespace jl::cert {

struct Store {
  std::vector<Entry> entries;        ///< each with a key; its chain may be empty
  std::vector<Certificate> trusted;  ///< that belong to no entry
};

/// Passwords of one store: that of its keys is `key` when given, else `store`.
struct StorePasswords {
  const Secret& store;
  const Secret& key;
};

/// Errors of both: invalid (damaged, password missing or wrong), unsupported, too_large; without field, the message a
/// whole sentence about "the key store".
[[nodiscard]] Result<Store> read_pkcs12(std::string_view bytes, const StorePasswords& passwords);
/// JKS versions 1 and 2. Without a password the digest goes unchecked, as Java does it, and no key can be read.
[[nodiscard]] Result<Store> read_jks(std::string_view bytes, const StorePasswords& passwords);

}  // namespace jl::cert
