// Java's own key store format, which OpenSSL does not know: big-endian lengths in front of everything.
//   magic FEEDFEED, version, count, entries, SHA-1 digest over (password, a fixed phrase, all before)
#include "common/cert/read.hpp"
#include "common/cert/store.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/pkcs12.h>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>

namespace jl::cert {
namespace {

constexpr std::uint32_t kMagic = 0xFEEDFEED;
constexpr std::uint32_t kKeyEntry = 1;
constexpr std::uint32_t kTrustedEntry = 2;
constexpr std::size_t kDigestSize = 20;
constexpr std::string_view kPhrase = "Mighty Aphrodite";  // of the format
constexpr std::string_view kProtector = "1.3.6.1.4.1.42.2.17.1.1";

using Digest = std::array<unsigned char, kDigestSize>;

Error damaged() { return {Errc::invalid, "the JKS key store is cut or damaged"}; }

// Every read is checked against what is left; after a failed one all others fail too.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : left_(bytes) {}
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::string_view left() const { return left_; }

  std::string_view take(std::size_t size) {
    if (size > left_.size()) ok_ = false;
    if (!ok_) return {};
    const auto taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }
  std::uint32_t number(std::size_t size) {
    std::uint32_t value = 0;
    for (const char c : take(size)) value = value << 8u | static_cast<unsigned char>(c);
    return value;
  }
  /// A text or blob behind its length.
  std::string_view counted(std::size_t size_of_length) { return take(number(size_of_length)); }

 private:
  std::string_view left_;
  bool ok_ = true;
};

// As UTF-16BE, which is how Java hashes a password.
Secret java_password(const Secret& password) {
  const auto& text = password.reveal();
  unsigned char* units = nullptr;
  int size = 0;
  if (text.empty() || OPENSSL_utf82uni(text.data(), static_cast<int>(text.size()), &units, &size) == nullptr) return {};
  // OpenSSL ends it with a zero character.
  Secret result(std::string(text_of(units, static_cast<std::size_t>(size - 2))));
  OPENSSL_clear_free(units, static_cast<std::size_t>(size));
  return result;
}

std::optional<Digest> sha1(std::initializer_list<std::string_view> parts) {
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  Digest digest{};
  bool good = context && EVP_DigestInit_ex(context.get(), EVP_sha1(), nullptr) == 1;
  for (const auto part : parts) good = good && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  if (!good || EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) return std::nullopt;
  return digest;
}

std::string_view text_of(const Digest& digest) { return cert::text_of(digest.data(), digest.size()); }

// Sun's key protector: salt, the key under a key stream of chained digests, digest of the key.
std::optional<Secret> unprotect(std::string_view sealed, const Secret& password) {
  if (sealed.size() < 2 * kDigestSize) return std::nullopt;
  const auto salt = sealed.substr(0, kDigestSize);
  const auto want = sealed.substr(sealed.size() - kDigestSize);
  std::string plain(sealed.substr(kDigestSize, sealed.size() - 2 * kDigestSize));
  auto stream = sha1({password.reveal(), salt});
  for (std::size_t i = 0; stream && i < plain.size(); ++i) {
    if (i > 0 && i % kDigestSize == 0) stream = sha1({password.reveal(), text_of(*stream)});
    if (stream) plain[i] = static_cast<char>(plain[i] ^ static_cast<char>((*stream)[i % kDigestSize]));
  }
  const Secret key(std::move(plain));
  const auto got = sha1({password.reveal(), key.reveal()});
  if (!stream || !got || CRYPTO_memcmp(got->data(), want.data(), kDigestSize) != 0) return std::nullopt;
  return key;
}

class Reader {
 public:
  Reader(std::string_view content, const StorePasswords& passwords)
      : cursor_(content), key_password_(java_password(passwords.key.empty() ? passwords.store : passwords.key)) {}

  Result<Store> read() {
    const auto magic = cursor_.number(4);
    version_ = cursor_.number(4);
    const auto count = cursor_.number(4);
    if (!cursor_.ok() || magic != kMagic) return damaged();
    if (version_ != 1 && version_ != 2) {
      return Error{Errc::unsupported, fmt::format("version {} of the JKS format is not known", version_)};
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      JL_CHECK(read_entry());
    }
    if (!cursor_.left().empty()) return damaged();
    return std::move(store_);
  }

 private:
  Status read_entry() {
    const auto kind = cursor_.number(4);
    const auto alias = cursor_.counted(2);
    cursor_.take(8);  // when it was made
    if (!cursor_.ok()) return damaged();
    if (kind == kKeyEntry) return read_key(alias);
    if (kind != kTrustedEntry) return damaged();
    JL_TRY(auto certificate, read_certificate());
    store_.trusted.push_back(std::move(certificate));
    return {};
  }

  Status read_key(std::string_view alias) {
    const auto sealed = cursor_.counted(4);
    const auto count = cursor_.number(4);
    if (!cursor_.ok()) return damaged();
    if (store_.entries.size() >= kMaxEntries) {
      return Error{Errc::too_large, fmt::format("the key store holds more than {} keys", kMaxEntries)};
    }
    Entry entry{shown(alias), nullptr, {}};
    for (std::uint32_t i = 0; i < count; ++i) {
      JL_TRY(auto certificate, read_certificate());
      entry.chain.push_back(std::move(certificate));
    }
    JL_TRY(entry.key, open_key(alias, sealed));
    store_.entries.push_back(std::move(entry));
    return {};
  }

  Result<Certificate> read_certificate() {
    if (version_ == 2) cursor_.counted(2);  // "X.509"
    const auto der = cursor_.counted(4);
    if (!cursor_.ok()) return damaged();
    if (++certificates_ > kMaxCertificates) {
      return Error{Errc::too_large, fmt::format("the key store holds more than {} certificates", kMaxCertificates)};
    }
    auto certificate = parse_certificate(der);
    if (!certificate) return Error{Errc::invalid, "a certificate of the key store is damaged"};
    return certificate;
  }

  Result<Key> open_key(std::string_view alias, std::string_view der) {
    const auto what = fmt::format("the private key \"{}\" of the key store", shown(alias));
    const auto* at = bytes_of(der);
    const OwnedSealedKey sealed(d2i_X509_SIG(nullptr, &at, static_cast<long>(der.size())));
    if (!sealed) return Error{Errc::invalid, what + " is damaged"};
    const X509_ALGOR* algorithm = nullptr;
    const ASN1_OCTET_STRING* data = nullptr;
    X509_SIG_get0(sealed.get(), &algorithm, &data);
    char protector[80] = "";
    OBJ_obj2txt(protector, sizeof protector, algorithm->algorithm, 1);
    if (protector != kProtector) {
      return Error{
          Errc::unsupported, fmt::format("{} is encrypted with {}, which is not supported", what, protector),
          "convert the store: keytool -importkeystore -srckeystore OLD -destkeystore NEW -deststoretype PKCS12"};
    }
    if (key_password_.empty()) return Error{Errc::invalid, "the key store has a password and none was given"};
    const auto bytes = cert::text_of(ASN1_STRING_get0_data(data), static_cast<std::size_t>(ASN1_STRING_length(data)));
    const auto plain = unprotect(bytes, key_password_);
    if (!plain) {
      return Error{Errc::invalid, what + " cannot be decrypted: its password is wrong, or the file is damaged",
                   "a key may have another password than its store"};
    }
    auto key = parse_pkcs8(plain->reveal());
    if (!key) return Error{Errc::invalid, fmt::format("{} {}", what, key.error().message)};
    return key;
  }

  Cursor cursor_;
  Secret key_password_;
  std::uint32_t version_ = 0;
  std::size_t certificates_ = 0;
  Store store_;
};

}  // namespace

Result<Store> read_jks(std::string_view bytes, const StorePasswords& passwords) {
  if (bytes.size() < kDigestSize) return damaged();
  const auto content = bytes.substr(0, bytes.size() - kDigestSize);
  const auto want = bytes.substr(content.size());
  if (!passwords.store.empty()) {
    const auto got = sha1({java_password(passwords.store).reveal(), kPhrase, content});
    if (!got || CRYPTO_memcmp(got->data(), want.data(), kDigestSize) != 0) {
      return Error{Errc::invalid, "the password of the key store is wrong, or the file is damaged"};
    }
  }
  return Reader(content, passwords).read();
}

}  // namespace jl::cert
