#include "daemon/network/tls_names.hpp"

#include <openssl/asn1.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <algorithm>
#include <memory>

namespace jl::network {
namespace {

constexpr std::size_t kMaxName = 255;  // of a host name, RFC 1035 §2.3.4

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

}  // namespace

void TlsNames::add_name(const ASN1_STRING& name, std::size_t index) {
  const auto size = static_cast<std::size_t>(ASN1_STRING_length(&name));
  if (size == 0 || size > kMaxName) return;
  names_.try_emplace(lower({reinterpret_cast<const char*>(ASN1_STRING_get0_data(&name)), size}), index);
}

void TlsNames::add(const X509& certificate, std::size_t index) {
  auto* sans = static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr));
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> owned(sans, &GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(sans); ++i) {
    const GENERAL_NAME* san = sk_GENERAL_NAME_value(sans, i);
    if (san->type == GEN_DNS) add_name(*san->d.dNSName, index);
  }
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    add_name(*X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), index);
  }
}

std::size_t TlsNames::find(std::string_view name) const {
  if (name.size() > kMaxName) return 0;
  const std::string wanted = lower(name);
  if (const auto exact = names_.find(wanted); exact != names_.end()) return exact->second;
  const std::size_t dot = wanted.find('.');
  if (dot == 0 || dot == std::string::npos) return 0;
  const auto wildcard = names_.find("*" + wanted.substr(dot));
  return wildcard != names_.end() ? wildcard->second : 0;
}

}  // namespace jl::network
