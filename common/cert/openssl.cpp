#include "common/cert/openssl.hpp"

#include "common/base/words.hpp"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <sys/auxv.h>

namespace jl::cert {
namespace {

// Only a program with a dynamic linker has an address of one.
bool is_static_program() { return getauxval(AT_BASE) == 0; }

std::string curve_of(const EVP_PKEY& key) {
  char group[80] = "";
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(&key, group, sizeof group, &size) != 1) return "of an unnamed curve";
  const char* nist = EC_curve_nid2nist(OBJ_sn2nid(group));
  return nist != nullptr ? nist : group;
}

std::string printed(const X509_NAME* name, unsigned long flags) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), name, 0, flags) < 0) return {};
  return text_of(out.get());
}

}  // namespace

ErrorScope::ErrorScope() {
  static const bool once = [] {
    return !is_static_program() || OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1;
  }();
  (void)once;
  ERR_set_mark();
}

// Without errors before there was no mark, and this empties the queue.
ErrorScope::~ErrorScope() { ERR_pop_to_mark(); }

std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

std::string name_of(const X509_NAME* name) {
  if (name == nullptr || X509_NAME_entry_count(name) == 0) return {};
  auto text = printed(name, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  // A certificate may claim to be UTF-8 and not be.
  return is_printable_utf8(text) ? text : printed(name, XN_FLAG_RFC2253);
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 200;
  const bool cut = text.size() > kMost;
  if (cut) {
    text = text.substr(0, kMost);
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0u) == 0x80u) text.remove_suffix(1);
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0u) text.remove_suffix(1);
  }
  std::string result(text);
  if (!is_printable_utf8(result)) {
    for (auto& c : result) {
      if (c < 0x20 || c > 0x7E) c = '?';
    }
  }
  return cut ? result + "..." : result;
}

std::string key_type_of(const EVP_PKEY& key) {
  const auto bits = EVP_PKEY_get_bits(&key);
  switch (EVP_PKEY_get_base_id(&key)) {
    case EVP_PKEY_RSA:
      return fmt::format("RSA {}", bits);
    case EVP_PKEY_RSA_PSS:
      return fmt::format("RSA-PSS {}", bits);
    case EVP_PKEY_EC:
      return "EC " + curve_of(key);
    case EVP_PKEY_ED25519:
      return "Ed25519";
    case EVP_PKEY_ED448:
      return "Ed448";
    case EVP_PKEY_DSA:
      return fmt::format("DSA {}", bits);
    case EVP_PKEY_DH:
      return fmt::format("DH {}", bits);
    default: {
      const char* name = EVP_PKEY_get0_type_name(&key);
      return name != nullptr ? name : "unknown";
    }
  }
}

Certificate parse_certificate(std::string_view der) {
  const auto* at = bytes_of(der);
  Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free);
  return certificate && at == bytes_of(der) + der.size() ? certificate : nullptr;
}

Result<Key> parse_pkcs8(std::string_view der) {
  const auto* at = bytes_of(der);
  const OwnedPkcs8 plain(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  Key key(plain ? EVP_PKCS82PKEY(plain.get()) : nullptr, EVP_PKEY_free);
  if (!key) return Error{Errc::invalid, "is damaged, or of a type that OpenSSL does not know"};
  return key;
}

}  // namespace jl::cert
