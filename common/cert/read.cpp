#include "common/cert/read.hpp"

#include "common/base/base64.hpp"
#include "common/cert/pem.hpp"
#include "common/cert/store.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <boost/algorithm/string/predicate.hpp>

namespace jl::cert {
namespace {

Error at_field(std::string_view field, std::string_view prefix, Error error) {
  error.message = std::string(prefix) + error.message;
  error.field = field;
  return error;
}

Status within_bounds(std::string_view field, std::string_view bytes) {
  if (bytes.size() <= kMaxBytes) return {};
  return Error{Errc::too_large, fmt::format("more than {} bytes", kMaxBytes), {}, std::string(field)};
}

bool is_der(std::string_view bytes) { return bytes.starts_with('\x30'); }

// Not quite the blocks of a file: one in DER counts as a CERTIFICATE.
Result<std::vector<PemBlock>> blocks_of(std::string_view field, std::string_view value) {
  // Base64 is a third longer than its bytes, and lines have ends.
  if (value.size() > 2 * kMaxBytes) return within_bounds(field, value).error();
  Secret decoded;
  if (value.find('-') == std::string_view::npos) {
    auto bytes = decode_base64(value);
    if (!bytes) return at_field(field, "neither PEM nor base64 of it: ", bytes.error());
    decoded = Secret(std::move(*bytes));
    value = decoded.reveal();
  }
  JL_CHECK(within_bounds(field, value));
  std::vector<PemBlock> blocks;
  if (is_der(value)) {
    blocks.push_back({"CERTIFICATE", {}, Secret(std::string(value)), 1});
  } else {
    auto split = split_pem(value);
    if (!split) return at_field(field, "", split.error());
    blocks = std::move(*split);
  }
  return blocks;
}

Result<std::vector<Certificate>> certificates_in(std::string_view field, const std::vector<PemBlock>& blocks) {
  auto certificates = certificates_of(blocks);
  if (!certificates) return at_field(field, "", certificates.error());
  return certificates;
}

// A certificate field is neither sealed nor hidden, so a key in it would be seen.
Result<std::vector<Certificate>> public_certificates(std::string_view field, std::string_view value) {
  JL_TRY(const auto blocks, blocks_of(field, value));
  if (std::any_of(blocks.begin(), blocks.end(), is_key)) {
    return Error{Errc::invalid, "holds a private key, which only the field \"key\" keeps secret",
                 "put that file into \"key\", or take the key out of it", std::string(field)};
  }
  JL_TRY(auto certificates, certificates_in(field, blocks));
  if (certificates.empty()) {
    return Error{Errc::invalid, fmt::format("holds no certificate; found: {}", found_in(blocks)),
                 "a certificate begins with -----BEGIN CERTIFICATE-----", std::string(field)};
  }
  return certificates;
}

Result<Key> first_key(const std::vector<PemBlock>& blocks, const Secret& password) {
  const auto block = std::find_if(blocks.begin(), blocks.end(), is_key);
  if (block == blocks.end()) {
    return Error{Errc::invalid, fmt::format("holds no private key; found: {}", found_in(blocks)),
                 "a key begins with -----BEGIN PRIVATE KEY-----", "key"};
  }
  WorkBudget budget;
  auto key = key_of(*block, password, budget);
  if (!key) return at_field("key", "the private key ", key.error());
  return key;
}

Result<Bundle> read_pem(const Source& source) {
  Bundle bundle;
  if (!source.key.empty() || !source.cert.empty()) {
    auto& entry = bundle.entries.emplace_back();
    if (!source.key.empty()) {
      JL_TRY(const auto blocks, blocks_of("key", source.key));
      JL_TRY(entry.key, first_key(blocks, source.key_password));
      if (source.cert.empty()) {
        JL_TRY(entry.chain, certificates_in("key", blocks));
      }
    }
    if (!source.cert.empty()) {
      JL_TRY(entry.chain, public_certificates("cert", source.cert));
    }
  }
  if (!source.trust.empty()) {
    JL_TRY(bundle.trust, public_certificates("trust", source.trust));
  }
  return bundle;
}

enum class Content : std::uint8_t { pem, der, jks, jceks, other };

Content sniff(std::string_view bytes) {
  if (bytes.starts_with("\xFE\xED\xFE\xED")) return Content::jks;
  if (bytes.starts_with("\xCE\xCE\xCE\xCE")) return Content::jceks;
  if (is_der(bytes)) return Content::der;
  return bytes.find("-----BEGIN ") != std::string_view::npos ? Content::pem : Content::other;
}

Error is_jceks() {
  return {Errc::unsupported, "the key store is a JCEKS store, which is not supported",
          "convert it: keytool -importkeystore -srckeystore OLD -srcstoretype JCEKS -destkeystore NEW "
          "-deststoretype PKCS12"};
}

Result<Store> read_store(std::string_view field, std::string_view bytes, const StorePasswords& passwords) {
  JL_CHECK(within_bounds(field, bytes));
  const auto read_as = [&]() -> Result<Store> {
    switch (sniff(bytes)) {
      case Content::jks:
        return read_jks(bytes, passwords);
      case Content::der:
        return read_pkcs12(bytes, passwords);
      case Content::jceks:
        return is_jceks();
      case Content::pem:
        return Error{Errc::invalid, "the key store is a PEM text",
                     "use format PEM with the fields key, cert and trust"};
      default:
        return Error{Errc::invalid, "the key store is neither PKCS#12 nor JKS"};
    }
  };
  auto store = read_as();
  if (!store) return at_field(field, "", store.error());
  return store;
}

// Whom a trust store trusts: also the issuers that only an entry's chain tells.
std::vector<Certificate> trust_of(const Store& store) {
  auto trust = store.trusted;
  for (const auto& entry : store.entries) {
    if (entry.chain.size() > 1) trust.insert(trust.end(), entry.chain.begin() + 1, entry.chain.end());
  }
  if (trust.size() > kMaxCertificates) trust.resize(kMaxCertificates);
  return trust;
}

Result<Bundle> read_stores(const Source& source) {
  Bundle bundle;
  bundle.format = source.format;
  if (!source.keystore.empty()) {
    JL_TRY(auto store, read_store("keystore", source.keystore, {source.keystore_password, source.key_password}));
    if (store.entries.empty()) {
      return Error{Errc::invalid, fmt::format("holds no private key, only {} certificates", store.trusted.size()),
                   "a store of certificates to trust belongs into \"trustKeyStore\"", "keystore"};
    }
    bundle.entries = std::move(store.entries);
  }
  if (!source.trust_keystore.empty()) {
    JL_TRY(const auto store, read_store("trustKeyStore", source.trust_keystore,
                                        {source.trust_keystore_password, source.trust_keystore_password}));
    bundle.trust = trust_of(store);
    if (bundle.trust.empty()) {
      return Error{Errc::invalid, "holds no certificate to trust", "keytool -importcert adds one", "trustKeyStore"};
    }
  }
  return bundle;
}

Result<Bundle> bundle_of_store(Format format, std::string_view bytes, const Secret& password) {
  JL_TRY(auto store, read_store("", bytes, {password, password}));
  return Bundle{format, std::move(store.entries), std::move(store.trusted)};
}

Result<Bundle> bundle_of_pem(std::string_view bytes, const Secret& password) {
  JL_TRY(const auto blocks, blocks_of("", bytes));
  Bundle bundle;
  JL_TRY(auto chain, certificates_in("", blocks));
  if (std::any_of(blocks.begin(), blocks.end(), is_key)) {
    auto key = first_key(blocks, password);
    if (!key) return at_field("", "", key.error());
    bundle.entries.push_back({{}, std::move(*key), std::move(chain)});
  } else if (std::any_of(chain.begin(), chain.end(), [](const auto& c) { return X509_check_ca(c.get()) == 0; })) {
    bundle.entries.push_back({{}, nullptr, std::move(chain)});
  } else if (!chain.empty()) {
    bundle.trust = std::move(chain);
  } else {
    return Error{Errc::invalid, fmt::format("neither a certificate nor a private key; found: {}", found_in(blocks))};
  }
  return bundle;
}

}  // namespace

std::string_view to_string(Format format) {
  constexpr std::array<std::string_view, 3> kNames{"PEM", "PFX", "JKS"};
  return kNames[static_cast<std::size_t>(format)];
}

Result<Bundle> read(const Source& source) {
  const ErrorScope scope;
  return source.format == Format::pem ? read_pem(source) : read_stores(source);
}

Result<Bundle> read_file(std::string_view bytes, const Secret& password) {
  const ErrorScope scope;
  JL_CHECK(within_bounds("", bytes));
  switch (sniff(bytes)) {
    case Content::pem:
      return bundle_of_pem(bytes, password);
    case Content::jks:
      return bundle_of_store(Format::jks, bytes, password);
    case Content::jceks:
      return is_jceks();
    case Content::der:
      if (auto certificate = parse_certificate(bytes)) {
        Bundle bundle;
        (X509_check_ca(certificate.get()) == 0 ? bundle.entries.emplace_back().chain : bundle.trust)
            .push_back(certificate);
        return bundle;
      }
      return bundle_of_store(Format::pfx, bytes, password);
    default:
      return Error{Errc::invalid, "neither PEM, a DER certificate, PKCS#12 nor JKS"};
  }
}

Result<std::string> decode_base64(std::string_view text) {
  const auto too_large = [] { return Error{Errc::too_large, fmt::format("more than {} bytes", kMaxBytes)}; };
  if (text.size() > 2 * kMaxBytes) return too_large();
  auto bytes = from_pasted_base64(text);
  if (bytes && bytes->size() > kMaxBytes) return too_large();
  return bytes;
}

Result<const Entry*> pick(const Bundle& bundle, std::string_view alias) {
  if (bundle.entries.empty()) return Error{Errc::invalid, "there is no private key", {}, "privateKeyAlias"};
  if (bundle.format == Format::pem || (alias.empty() && bundle.entries.size() == 1)) return &bundle.entries.front();
  std::string aliases;
  for (const auto& entry : bundle.entries) {
    if (!alias.empty() && boost::algorithm::iequals(entry.alias, alias)) return &entry;
    aliases += fmt::format("{}\"{}\"", aliases.empty() ? "" : ", ", shown(entry.alias));
  }
  auto message = alias.empty() ? "the key store holds several keys: choose one by its alias"
                               : fmt::format("no key has the alias \"{}\"", shown(alias));
  return Error{Errc::invalid, std::move(message), "its aliases: " + aliases, "privateKeyAlias"};
}

}  // namespace jl::cert
