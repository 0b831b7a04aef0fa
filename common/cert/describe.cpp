// What certificates are, in words and as JSON.
#include "common/cert/check.hpp"
#include "common/cert/openssl.hpp"
#include "common/cert/times.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <boost/json.hpp>

namespace jl::cert {
namespace {

std::string address_text(const ASN1_OCTET_STRING* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int size = ASN1_STRING_length(address);
  const int family = size == 4 ? AF_INET : size == 16 ? AF_INET6 : AF_UNSPEC;
  if (family == AF_UNSPEC) return {};
  return inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size()) != nullptr ? text.data() : "";
}

std::string name_text(const GENERAL_NAME& name) {
  int type = 0;
  const auto* value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(&name, &type));
  if (type == GEN_IPADD) return address_text(value);
  if (type != GEN_DNS && type != GEN_EMAIL && type != GEN_URI) return {};
  return shown(text_of(ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))));
}

boost::json::array names_of(const X509& certificate) {
  boost::json::array names;
  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> list(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; list && i < sk_GENERAL_NAME_num(list.get()); ++i) {
    auto name = name_text(*sk_GENERAL_NAME_value(list.get(), i));
    if (!name.empty()) names.emplace_back(std::move(name));
  }
  return names;
}

std::string serial_of(const X509& certificate) {
  const Owned<BIGNUM, BN_free> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  char* text = number ? BN_bn2hex(number.get()) : nullptr;
  std::string serial = text != nullptr ? text : "";
  OPENSSL_free(text);
  return serial;
}

boost::json::object describe_one(const Certificate& certificate) {
  auto* x509 = certificate.get();
  const auto* key = X509_get0_pubkey(x509);
  const char* signature = OBJ_nid2ln(X509_get_signature_nid(x509));
  return {{"subject", subject_of(*x509)},
          {"issuer", name_of(X509_get_issuer_name(x509))},
          {"sans", names_of(*x509)},
          {"notBefore", format_time(not_before_of(*x509))},
          {"notAfter", format_time(not_after_of(*x509))},
          {"serial", serial_of(*x509)},
          {"keyType", key != nullptr ? key_type_of(*key) : "unknown"},
          {"signature", signature != nullptr ? signature : "unknown"},
          {"isCa", X509_check_ca(x509) != 0},
          {"fingerprint", fingerprint_of(*x509)}};
}

boost::json::array describe_all(const std::vector<Certificate>& certificates) {
  boost::json::array list;
  for (const auto& certificate : certificates) list.emplace_back(describe_one(certificate));
  return list;
}

// Calls f for each certificate that counts: the own ones, or those of trust when there is nothing else.
template <class F>
void for_each_own(const Bundle& bundle, const F& f) {
  bool any = false;
  for (const auto& entry : bundle.entries) {
    for (const auto& certificate : entry.chain) f(*certificate), any = true;
  }
  if (any) return;
  for (const auto& certificate : bundle.trust) f(*certificate);
}

}  // namespace

boost::json::object describe(const Bundle& bundle) {
  const ErrorScope scope;
  boost::json::array entries;
  for (const auto& entry : bundle.entries) {
    boost::json::object item;
    if (!entry.alias.empty()) item["alias"] = shown(entry.alias);
    if (entry.key) item["key"] = {{"type", key_type_of(*entry.key)}};
    item["certificates"] = describe_all(entry.chain);
    entries.emplace_back(std::move(item));
  }
  return {{"entries", std::move(entries)}, {"trust", describe_all(bundle.trust)}};
}

Millis not_after(const Bundle& bundle) {
  const ErrorScope scope;
  Millis first = 0;
  for_each_own(bundle, [&](const X509& certificate) {
    const auto end = not_after_of(certificate);
    if (first == 0 || end < first) first = end;
  });
  return first;
}

std::string_view validity(const Bundle& bundle, Millis now) {
  const ErrorScope scope;
  const auto end = not_after(bundle);
  if (end == 0) return "empty";
  if (end < now) return "expired";
  bool early = false;
  for_each_own(bundle, [&](const X509& certificate) { early = early || not_before_of(certificate) > now; });
  if (early) return "not_yet_valid";
  return end - now <= kExpiryWarning ? "expiring" : "ok";
}

std::string subject_of(const X509& certificate) {
  const ErrorScope scope;
  return name_of(X509_get_subject_name(&certificate));
}

std::string fingerprint_of(const X509& certificate) {
  const ErrorScope scope;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(&certificate, EVP_sha256(), digest.data(), &size) != 1) return {};
  std::string text;
  for (unsigned i = 0; i < size; ++i)
    fmt::format_to(std::back_inserter(text), "{}{:02X}", i == 0 ? "" : ":", digest[i]);
  return text;
}

}  // namespace jl::cert
