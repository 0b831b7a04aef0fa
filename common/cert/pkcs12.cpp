// PKCS#12 (RFC 7292): OpenSSL parses it, this walks its bags, since a store may hold several keys.
#include "common/cert/read.hpp"
#include "common/cert/store.hpp"

#include <fmt/format.h>
#include <openssl/pkcs12.h>
#include <algorithm>

namespace jl::cert {
namespace {

constexpr int kMaxDepth = 4;           // of bags inside bags
constexpr std::size_t kMaxChain = 32;  // of a chain that is put together here

using OwnedPkcs12 = Owned<PKCS12, PKCS12_free>;

void free_contents(STACK_OF(PKCS7) * contents) { sk_PKCS7_pop_free(contents, PKCS7_free); }
void free_bags(STACK_OF(PKCS12_SAFEBAG) * bags) { sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free); }
using OwnedContents = Owned<STACK_OF(PKCS7), free_contents>;
using OwnedBags = Owned<STACK_OF(PKCS12_SAFEBAG), free_bags>;

struct FoundKey {
  std::string alias;
  std::string local_id;
  Key key;
};
struct FoundCertificate {
  std::string local_id;
  Certificate certificate;
  bool used = false;
};

Error damaged() { return {Errc::invalid, "the key store is neither a whole PKCS#12 file nor a DER certificate"}; }
Error about_store(Error error, std::string_view what) {
  error.message = fmt::format("{} {}", what, error.message);
  return error;
}

std::string alias_of(PKCS12_SAFEBAG* bag) {
  char* name = PKCS12_get_friendlyname(bag);
  std::string alias = shown(name != nullptr ? name : "");
  OPENSSL_free(name);
  return alias;
}

std::string local_id_of(const PKCS12_SAFEBAG* bag) {
  const auto* value = PKCS12_SAFEBAG_get0_attr(bag, NID_localKeyID);
  if (value == nullptr || value->type != V_ASN1_OCTET_STRING) return {};
  const auto* text = value->value.octet_string;
  return std::string(text_of(ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))));
}

class Reader {
 public:
  explicit Reader(const StorePasswords& passwords) : passwords_(passwords) {}

  Result<Store> read(PKCS12* file) {
    JL_CHECK(check_mac(file));
    const OwnedContents contents(PKCS12_unpack_authsafes(file));
    if (!contents) return damaged();
    for (int i = 0; i < sk_PKCS7_num(contents.get()); ++i) {
      JL_CHECK(read_content(sk_PKCS7_value(contents.get(), i)));
    }
    return build();
  }

 private:
  Status check_mac(PKCS12* file) {
    if (PKCS12_mac_present(file) == 0) return {};
    const ASN1_INTEGER* count = nullptr;
    PKCS12_get0_mac(nullptr, nullptr, nullptr, &count, file);
    // Absent means 1.
    const long iterations = count != nullptr ? ASN1_INTEGER_get(count) : 1;
    const auto& password = passwords_.store.reveal();
    for (const char* given : {password.c_str(), static_cast<const char*>(nullptr)}) {
      if (given == nullptr && !password.empty()) break;
      if (!budget_.spend(iterations)) {
        return Error{Errc::too_large, fmt::format("the key store asks for more than {} rounds of key derivation",
                                                  WorkBudget::kMaxIterations)};
      }
      if (PKCS12_verify_mac(file, given, static_cast<int>(password.size())) == 1) return {};
    }
    if (password.empty()) return Error{Errc::invalid, "the key store has a password and none was given"};
    return Error{Errc::invalid, "the password of the key store is wrong, or the file is damaged"};
  }

  Status read_content(PKCS7* content) {
    if (PKCS7_type_is_data(content)) {
      const OwnedBags bags(PKCS12_unpack_p7data(content));
      return bags ? read_bags(bags.get(), 0) : damaged();
    }
    if (!PKCS7_type_is_encrypted(content)) {
      return Error{Errc::unsupported, "the key store is encrypted for a certificate, not with a password"};
    }
    const auto* sealed = content->d.encrypted != nullptr ? content->d.encrypted->enc_data : nullptr;
    if (sealed == nullptr || sealed->algorithm == nullptr || sealed->enc_data == nullptr) return damaged();
    auto plain = decrypt(*sealed->algorithm, *sealed->enc_data, passwords_.store, budget_);
    if (!plain) return about_store(plain.error(), "the key store");
    const auto* at = bytes_of(plain->reveal());
    const OwnedBags bags(static_cast<STACK_OF(PKCS12_SAFEBAG)*>(static_cast<void*>(
        ASN1_item_d2i(nullptr, &at, static_cast<long>(plain->reveal().size()), ASN1_ITEM_rptr(PKCS12_SAFEBAGS)))));
    return bags ? read_bags(bags.get(), 0) : damaged();
  }

  Status read_bags(const STACK_OF(PKCS12_SAFEBAG) * bags, int depth) {
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); ++i) {
      JL_CHECK(read_bag(sk_PKCS12_SAFEBAG_value(bags, i), depth));
    }
    return {};
  }

  Status read_bag(PKCS12_SAFEBAG* bag, int depth) {
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
      case NID_keyBag:
      case NID_pkcs8ShroudedKeyBag:
        return read_key(bag);
      case NID_certBag:
        return read_certificate(bag);
      case NID_safeContentsBag: {
        const auto* inside = PKCS12_SAFEBAG_get0_safes(bag);
        if (inside == nullptr || depth >= kMaxDepth) return damaged();
        return read_bags(inside, depth + 1);
      }
      default:
        return {};  // secrets and revocation lists
    }
  }

  Status read_key(PKCS12_SAFEBAG* bag) {
    if (keys_.size() >= kMaxEntries) {
      return Error{Errc::too_large, fmt::format("the key store holds more than {} keys", kMaxEntries)};
    }
    FoundKey found{alias_of(bag), local_id_of(bag), nullptr};
    const auto what = fmt::format("the private key \"{}\" of the key store", shown(found.alias));
    if (const auto* plain = PKCS12_SAFEBAG_get0_p8inf(bag)) {
      found.key = Key(EVP_PKCS82PKEY(plain), EVP_PKEY_free);
      if (!found.key) return Error{Errc::invalid, what + " is damaged, or of a type that OpenSSL does not know"};
    } else {
      const auto* sealed = PKCS12_SAFEBAG_get0_pkcs8(bag);
      if (sealed == nullptr) return damaged();
      auto key = decrypt_key(*sealed, passwords_.key.empty() ? passwords_.store : passwords_.key, budget_);
      if (!key) return about_store(key.error(), what);
      found.key = std::move(*key);
    }
    keys_.push_back(std::move(found));
    return {};
  }

  Status read_certificate(PKCS12_SAFEBAG* bag) {
    if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) return {};
    if (certificates_.size() >= kMaxCertificates) {
      return Error{Errc::too_large, fmt::format("the key store holds more than {} certificates", kMaxCertificates)};
    }
    Certificate certificate(PKCS12_SAFEBAG_get1_cert(bag), X509_free);
    if (!certificate) return Error{Errc::invalid, "a certificate of the key store is damaged"};
    certificates_.push_back({local_id_of(bag), std::move(certificate)});
    return {};
  }

  FoundCertificate* leaf_of(const FoundKey& key) {
    const auto same_id = [&](const auto& c) { return !key.local_id.empty() && c.local_id == key.local_id; };
    auto found = std::find_if(certificates_.begin(), certificates_.end(), same_id);
    if (found == certificates_.end()) {
      const auto same_key = [&](const auto& c) {
        return X509_check_private_key(c.certificate.get(), key.key.get()) == 1;
      };
      found = std::find_if(certificates_.begin(), certificates_.end(), same_key);
    }
    return found == certificates_.end() ? nullptr : &*found;
  }

  // From the leaf to the root, each the issuer of the one before.
  std::vector<Certificate> chain_from(FoundCertificate& leaf) {
    leaf.used = true;
    std::vector<Certificate> chain{leaf.certificate};
    while (chain.size() < kMaxChain && X509_check_issued(chain.back().get(), chain.back().get()) != X509_V_OK) {
      const auto issued_it = [&](const auto& c) {
        return std::find(chain.begin(), chain.end(), c.certificate) == chain.end() &&
               X509_check_issued(c.certificate.get(), chain.back().get()) == X509_V_OK;
      };
      const auto issuer = std::find_if(certificates_.begin(), certificates_.end(), issued_it);
      if (issuer == certificates_.end()) break;
      issuer->used = true;
      chain.push_back(issuer->certificate);
    }
    return chain;
  }

  Store build() {
    Store store;
    for (auto& key : keys_) {
      auto* leaf = leaf_of(key);
      store.entries.push_back({std::move(key.alias), std::move(key.key), {}});
      if (leaf != nullptr) store.entries.back().chain = chain_from(*leaf);
    }
    for (auto& found : certificates_) {
      if (!found.used) store.trusted.push_back(std::move(found.certificate));
    }
    return store;
  }

  const StorePasswords& passwords_;
  WorkBudget budget_;
  std::vector<FoundKey> keys_;
  std::vector<FoundCertificate> certificates_;
};

}  // namespace

Result<Store> read_pkcs12(std::string_view bytes, const StorePasswords& passwords) {
  const auto* at = bytes_of(bytes);
  const OwnedPkcs12 file(d2i_PKCS12(nullptr, &at, static_cast<long>(bytes.size())));
  if (!file) return damaged();
  return Reader(passwords).read(file.get());
}

}  // namespace jl::cert
