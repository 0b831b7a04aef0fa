#pragma once
// Keys and certificates for tests of TLS, made by OpenSSL's own calls, so that they share no code with what they test.
#include "common/cert/bundle.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <memory>
#include <string>
#include <vector>

namespace jl::test {

struct Leaf {
  std::string cn = "gateway.example";
  std::string sans{};      ///< "DNS:a.example,IP:127.0.0.1"
  std::string key = "EC";  ///< "EC", "RSA" or "ED25519"
  long from = -3600;       ///< seconds from now
  long until = 24 * 3600;
};

inline cert::Key make_key(const std::string& type) {
  EVP_PKEY* key = type == "EC"    ? EVP_EC_gen("P-256")
                  : type == "RSA" ? EVP_RSA_gen(2048)
                                  : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  REQUIRE(key != nullptr);
  return {key, &EVP_PKEY_free};
}

inline void add_extension(X509& to, int nid, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  REQUIRE(extension != nullptr);
  X509_add_ext(&to, extension, -1);
  X509_EXTENSION_free(extension);
}

inline cert::Entry sign(const Leaf& leaf, const cert::Entry* issuer, bool is_ca) {
  static long serial = 1;
  cert::Entry entry{.alias = {}, .key = make_key(leaf.key), .chain = {}};
  const cert::Certificate made(X509_new(), &X509_free);
  X509* x = made.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(x), serial++);
  X509_gmtime_adj(X509_getm_notBefore(x), leaf.from);
  X509_gmtime_adj(X509_getm_notAfter(x), leaf.until);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(leaf.cn.c_str()), -1, -1, 0);
  const cert::Entry& signer = issuer != nullptr ? *issuer : entry;
  X509_set_issuer_name(x, X509_get_subject_name(issuer != nullptr ? issuer->chain.front().get() : x));
  X509_set_pubkey(x, entry.key.get());
  add_extension(*x, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  if (!leaf.sans.empty()) add_extension(*x, NID_subject_alt_name, leaf.sans);
  const bool own_digest = EVP_PKEY_is_a(signer.key.get(), "ED25519") == 1;
  REQUIRE(X509_sign(x, signer.key.get(), own_digest ? nullptr : EVP_sha256()) > 0);
  entry.chain.push_back(made);
  return entry;
}

inline cert::Entry make_ca(const std::string& cn = "Test CA") { return sign({.cn = cn}, nullptr, true); }
inline cert::Entry make_leaf(const cert::Entry& ca, const Leaf& leaf) { return sign(leaf, &ca, false); }

/// What one cert resource holds: entries, and whom it trusts.
inline std::shared_ptr<const cert::Bundle> bundle(std::vector<cert::Entry> entries,
                                                  const std::vector<cert::Entry>& trust = {}) {
  auto made = std::make_shared<cert::Bundle>();
  made->format = entries.size() > 1 ? cert::Format::pfx : cert::Format::pem;
  made->entries = std::move(entries);
  for (const auto& ca : trust) made->trust.push_back(ca.chain.front());
  return made;
}

}  // namespace jl::test
