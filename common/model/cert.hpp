#pragma once
// Certificates (证书管理): a key with its chain, whom to trust, or both, as PEM texts or as key stores. Keys as
// JetLinks spells them (network.md 5.1). What the material must be is checked by the rules; here only its shape is.
#include "common/model/describe.hpp"

#include <cstdint>
#include <string>

namespace jl::model {

enum class CertType : std::uint8_t { common };
template <>
struct EnumWords<CertType> {
  static const std::vector<Word>& words();
};

enum class CertFormat : std::uint8_t { pem, jks, pfx };
template <>
struct EnumWords<CertFormat> {
  static const std::vector<Word>& words();
};

enum class CertMode : std::uint8_t { server, client };
template <>
struct EnumWords<CertMode> {
  static const std::vector<Word>& words();
};

enum class CertAuthentication : std::uint8_t { single, binomial };
template <>
struct EnumWords<CertAuthentication> {
  static const std::vector<Word>& words();
};

/// The material. PEM: key, cert, trust, keyPwd; JKS and PFX: the rest. 1.x kept PEM in the stores' fields, too.
struct CertConfigs {
  Secret key;
  std::string cert;
  std::string trust;
  Secret key_pwd;
  Secret keystore_base64;
  Secret keystore_pwd;
  std::string trust_keystore_base64;
  Secret trust_keystore_pwd;
};

struct Cert {
  CertType type = CertType::common;
  CertFormat format = CertFormat::pem;
  CertMode mode = CertMode::server;
  CertAuthentication authentication = CertAuthentication::single;
  CertConfigs configs;
};

/// Characters of one text of the material: a file of 1 MiB, in base64 for key stores.
inline constexpr std::size_t kMaxCertText = 1u << 20u;
inline constexpr std::size_t kMaxCertBase64 = (kMaxCertText + 2) / 3 * 4;

template <class V>
void describe(V& v, CertConfigs& s) {
  v.field("key", s.key)
      .max_length(kMaxCertText)
      .from_file()
      .help("private key, PEM: PKCS#8, PKCS#1, SEC1; may hold the certificates as well (私钥)");
  v.field("cert", s.cert)
      .max_length(kMaxCertText)
      .from_file()
      .help("certificate chain, PEM, the own certificate first (证书)");
  v.field("trust", s.trust)
      .max_length(kMaxCertText)
      .from_file()
      .help("certificates of the authorities that peers' certificates must lead to, PEM (信任证书)");
  v.field("keyPwd", s.key_pwd).help("passphrase of an encrypted private key");
  v.field("keystoreBase64", s.keystore_base64)
      .flag("keystore")
      .max_length(kMaxCertBase64)
      .from_file()
      .base64()
      .help("key store, JKS or PKCS#12 (密钥库)");
  v.field("keystorePwd", s.keystore_pwd).help("passphrase of the key store (密钥库密码)");
  v.field("trustKeyStoreBase64", s.trust_keystore_base64)
      .flag("trust-keystore")
      .max_length(kMaxCertBase64)
      .from_file()
      .base64()
      .help("trust store, JKS or PKCS#12 (信任库)");
  v.field("trustKeyStorePwd", s.trust_keystore_pwd)
      .flag("trust-keystore-pwd")
      .help("passphrase of the trust store (信任库密码)");
}

template <class V>
void describe(V& v, Cert& s) {
  v.field("type", s.type).help("standard of the certificate (证书标准)");
  v.field("format", s.format)
      .formerly("instance")
      .help("how the material is kept; jlctl sees it from the file of a key store (证书格式)")
      .example("PEM");
  v.field("mode", s.mode).help("which end of a connection uses it (证书类型)");
  v.field("authenticationMethod", s.authentication)
      .flag("authentication")
      .help("who proves its identity: the server alone, or both (认证方式)");
  v.field("configs", s.configs).help("the material itself (证书内容)");
}

}  // namespace jl::model
