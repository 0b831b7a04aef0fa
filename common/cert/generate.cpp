#include "common/cert/generate.hpp"

#include "common/base/words.hpp"
#include "common/cert/check.hpp"
#include "common/cert/openssl.hpp"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <array>
#include <optional>

namespace jl::cert {
namespace {

constexpr std::size_t kMaxNames = 64;
constexpr std::size_t kMaxCommonName = 64;  // ub-common-name, RFC 5280 appendix A
constexpr int kMaxDays = 36500;
constexpr Millis kHour = 3'600'000;

using OwnedNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using OwnedAddress = Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;

Error invalid(std::string field, std::string message) {
  return {Errc::invalid, std::move(message), {}, std::move(field)};
}
Error failed(std::string_view step) { return {Errc::failed, fmt::format("OpenSSL could not {}", step)}; }

bool is_label(std::string_view label) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";
  return !label.empty() && label.size() <= 63 && label.find_first_not_of(kLetters) == std::string_view::npos &&
         label.front() != '-' && label.back() != '-';
}

// RFC 1123, with one wildcard label in front. All digits at the end would be a mistyped IPv4 address.
bool is_host(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    const auto dot = name.find('.');
    const auto label = name.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == std::string_view::npos) return label.find_first_not_of("0123456789") != std::string_view::npos;
    name.remove_prefix(dot + 1);
  }
}

OwnedAddress address_of(const std::string& name) { return OwnedAddress(a2i_IPADDRESS(name.c_str())); }

Status check_request(const Request& request) {
  const auto length = utf8_length(request.common_name);
  if (length < 1 || length > kMaxCommonName || !is_printable_utf8(request.common_name)) {
    return invalid("commonName", fmt::format("1 to {} printable characters", kMaxCommonName));
  }
  if (request.days < 1 || request.days > kMaxDays) return invalid("days", fmt::format("1 to {}", kMaxDays));
  if (request.names.size() > kMaxNames) return invalid("names", fmt::format("at most {} names", kMaxNames));
  for (const auto& name : request.names) {
    if (!is_host(name) && !address_of(name)) {
      return invalid("names", fmt::format("\"{}\" is neither a host name nor an IP address", shown(name)));
    }
  }
  return {};
}

Status check_issuer(const Request& request, const Entry& issuer) {
  const auto refuse = [](std::string message) { return invalid("issuer", std::move(message)); };
  if (!issuer.key || issuer.chain.empty()) return refuse("has no private key, or no certificate");
  auto* certificate = issuer.chain.front().get();
  if (X509_check_private_key(certificate, issuer.key.get()) != 1)
    return refuse("its key is not that of its certificate");
  if (X509_check_ca(certificate) == 0) return refuse("is not a CA: its certificate must not sign others");
  if (request.is_ca && X509_get_pathlen(certificate) == 0) return refuse("may sign certificates, but no further CA");
  Bundle own;
  own.entries.push_back(issuer);
  own.entries.back().chain.resize(1);
  const auto state = validity(own, request.now);
  if (state == "expired" || state == "not_yet_valid") return refuse("its certificate is not valid now");
  return {};
}

OwnedKey new_key(KeyType type) {
  switch (type) {
    case KeyType::ec_p256:
      return OwnedKey(EVP_EC_gen("P-256"));
    case KeyType::ec_p384:
      return OwnedKey(EVP_EC_gen("P-384"));
    case KeyType::rsa_2048:
      return OwnedKey(EVP_RSA_gen(2048));
    case KeyType::rsa_4096:
      return OwnedKey(EVP_RSA_gen(4096));
    case KeyType::ed25519:
      return OwnedKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}

// 20 random bytes, positive (RFC 5280 section 4.1.2.2).
bool set_serial(X509* certificate) {
  std::array<unsigned char, 20> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7Fu) | 0x40u);
  const Owned<BIGNUM, BN_free> number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_times(X509* certificate, const Request& request, const X509* issuer) {
  const auto seconds = static_cast<time_t>(request.now / 1000);
  if (ASN1_TIME_adj(X509_getm_notBefore(certificate), seconds, 0, -static_cast<long>(kHour / 1000)) == nullptr ||
      ASN1_TIME_adj(X509_getm_notAfter(certificate), seconds, request.days, 0) == nullptr) {
    return false;
  }
  // A certificate that outlives its issuer is refused from then on anyway.
  if (issuer == nullptr || ASN1_TIME_compare(X509_get0_notAfter(certificate), X509_get0_notAfter(issuer)) <= 0) {
    return true;
  }
  return X509_set1_notAfter(certificate, X509_get0_notAfter(issuer)) == 1;
}

bool set_subject(X509* certificate, const std::string& common_name) {
  return X509_NAME_add_entry_by_NID(X509_get_subject_name(certificate), NID_commonName, MBSTRING_UTF8,
                                    bytes_of(common_name), static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool add_names(X509* certificate, const std::vector<std::string>& names) {
  if (names.empty()) return true;
  const OwnedNames list(sk_GENERAL_NAME_new_null());
  for (const auto& name : names) {
    Owned<GENERAL_NAME, GENERAL_NAME_free> item(GENERAL_NAME_new());
    if (!list || !item) return false;
    if (auto address = address_of(name)) {
      GENERAL_NAME_set0_value(item.get(), GEN_IPADD, address.release());
    } else {
      Owned<ASN1_IA5STRING, ASN1_IA5STRING_free> text(ASN1_IA5STRING_new());
      if (!text || ASN1_STRING_set(text.get(), name.data(), static_cast<int>(name.size())) != 1) return false;
      GENERAL_NAME_set0_value(item.get(), GEN_DNS, text.release());
    }
    if (sk_GENERAL_NAME_push(list.get(), item.get()) == 0) return false;
    item.release();
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

bool add_extension(X509V3_CTX& context, X509* certificate, int nid, const char* value) {
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(X509V3_EXT_nconf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_extensions(X509* certificate, const Request& request, bool is_rsa, X509* issuer) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer != nullptr ? issuer : certificate, certificate, nullptr, nullptr, 0);
  const auto add = [&](int nid, const char* value) { return add_extension(context, certificate, nid, value); };
  const char* usage = is_rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature";
  // A CA made by another one signs leaves only; a root may have such CAs below it.
  const char* authority = issuer != nullptr ? "critical,CA:TRUE,pathlen:0" : "critical,CA:TRUE,pathlen:1";
  return add(NID_basic_constraints, request.is_ca ? authority : "critical,CA:FALSE") &&
         add(NID_key_usage, request.is_ca ? "critical,digitalSignature,keyCertSign,cRLSign" : usage) &&
         (request.is_ca || add(NID_ext_key_usage, "serverAuth,clientAuth")) &&
         add(NID_subject_key_identifier, "hash") &&
         add(NID_authority_key_identifier, issuer != nullptr ? "keyid" : "keyid:always");
}

// Ed25519 and Ed448 bring their own digest.
const EVP_MD* digest_for(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1) return nullptr;
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
}

std::vector<std::string> names_of(const Request& request) {
  if (!request.names.empty() || request.is_ca) return request.names;
  if (is_host(request.common_name) || address_of(request.common_name)) return {request.common_name};
  return {};
}

OwnedX509 new_certificate(const Request& request, EVP_PKEY* key, const Entry* issuer) {
  auto* above = issuer != nullptr ? issuer->chain.front().get() : nullptr;
  auto* signer = issuer != nullptr ? issuer->key.get() : key;
  OwnedX509 made(X509_new());
  const bool good =
      made && X509_set_version(made.get(), X509_VERSION_3) == 1 && set_serial(made.get()) &&
      set_times(made.get(), request, above) && set_subject(made.get(), request.common_name) &&
      X509_set_issuer_name(made.get(), X509_get_subject_name(above != nullptr ? above : made.get())) == 1 &&
      X509_set_pubkey(made.get(), key) == 1 &&
      add_extensions(made.get(), request, EVP_PKEY_is_a(key, "RSA") == 1, above) &&
      add_names(made.get(), names_of(request)) && X509_sign(made.get(), signer, digest_for(signer)) > 0;
  return good ? std::move(made) : nullptr;
}

std::optional<Secret> pem_of_key(EVP_PKEY* key) {
  const OwnedBio out(BIO_new(BIO_s_secmem()));
  if (!out || PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
    return std::nullopt;
  }
  return Secret(text_of(out.get()));
}

}  // namespace

Result<Generated> generate(const Request& request, const Entry* issuer) {
  const ErrorScope scope;
  JL_CHECK(check_request(request));
  if (issuer != nullptr) {
    JL_CHECK(check_issuer(request, *issuer));
  }
  const auto key = new_key(request.key_type);
  if (!key) return failed("make a key");
  const auto certificate = new_certificate(request, key.get(), issuer);
  if (!certificate) return failed("make the certificate");
  auto key_pem = pem_of_key(key.get());
  const OwnedBio out(BIO_new(BIO_s_mem()));
  bool good = key_pem && out && PEM_write_bio_X509(out.get(), certificate.get()) == 1;
  for (std::size_t i = 0; good && issuer != nullptr && i < issuer->chain.size(); ++i) {
    good = PEM_write_bio_X509(out.get(), issuer->chain[i].get()) == 1;
  }
  if (!good) return failed("write the certificate");
  return Generated{std::move(*key_pem), text_of(out.get())};
}

}  // namespace jl::cert
