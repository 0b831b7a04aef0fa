#pragma once
// What every file here needs of OpenSSL: owners for its objects, and a clean error queue. For this folder only.
#include "common/base/result.hpp"
#include "common/base/secret.hpp"
#include "common/cert/bundle.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <memory>
#include <string>
#include <string_view>

namespace jl::cert {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freed<Free>>;

using OwnedBio = Owned<BIO, BIO_free_all>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedX509 = Owned<X509, X509_free>;
using OwnedPkcs8 = Owned<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free>;
using OwnedSealedKey = Owned<X509_SIG, X509_SIG_free>;

/// Stands in every public function that calls OpenSSL: no errors stay behind, and those from before are kept, because
/// some of them are called from the middle of a handshake. The first one in a static program keeps OpenSSL from loading
/// openssl.cnf, whose modules such a program cannot load.
class ErrorScope {
 public:
  ErrorScope();
  ~ErrorScope();
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
};

inline const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
inline std::string_view text_of(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}
/// What a memory BIO holds.
[[nodiscard]] std::string text_of(BIO* memory);

/// X.500 name as subject_of gives it, "" for an empty one.
[[nodiscard]] std::string name_of(const X509_NAME* name);
/// `text` with every byte that is not printable UTF-8 replaced by '?', cut at 200 bytes: for messages.
[[nodiscard]] std::string shown(std::string_view text);
/// "EC P-256", "RSA 2048", "Ed25519", ...
[[nodiscard]] std::string key_type_of(const EVP_PKEY& key);

/// The work that passwords may cost: iterations of key derivation, over one whole file.
class WorkBudget {
 public:
  static constexpr long kMaxIterations = 5'000'000;
  /// False when they are more than what is left, or not positive.
  [[nodiscard]] bool spend(long iterations) {
    if (iterations <= 0 || iterations > left_) return false;
    left_ -= iterations;
    return true;
  }

 private:
  long left_ = kMaxIterations;
};

/// Decrypts what PKCS#5 or PKCS#12 password encryption made: also RC2, which OpenSSL 3 leaves to its legacy provider,
/// while Java and Windows wrote nothing else for 20 years. Errors: unsupported (the algorithm), too_large (work),
/// invalid (wrong password or damaged); without field and with a message that begins with a verb.
[[nodiscard]] Result<Secret> decrypt(const X509_ALGOR& algorithm, const ASN1_OCTET_STRING& data, const Secret& password,
                                     WorkBudget& budget);
/// decrypt() for an EncryptedPrivateKeyInfo, and the key in it.
[[nodiscard]] Result<Key> decrypt_key(const X509_SIG& sealed, const Secret& password, WorkBudget& budget);
/// The key of an unencrypted PKCS#8 form in DER.
[[nodiscard]] Result<Key> parse_pkcs8(std::string_view der);
/// One certificate in DER, all of `der`; null when it is none.
[[nodiscard]] Certificate parse_certificate(std::string_view der);

}  // namespace jl::cert
