#include "common/cert/check.hpp"

#include "common/cert/openssl.hpp"
#include "common/cert/times.hpp"

#include <fmt/format.h>
#include <openssl/objects.h>
#include <algorithm>

namespace jl::cert {
namespace {

constexpr int kMinRsaBits = 2048;
constexpr int kMinEcBits = 224;

// Fields are called differently in the two kinds of resource.
struct Fields {
  const char* key;
  const char* cert;
  const char* trust;
};
Fields fields_of(Format format) {
  if (format == Format::pem) return {"key", "cert", "trust"};
  return {"keystore", "keystore", "trustKeyStore"};
}

std::string quoted(const X509& certificate) { return fmt::format("\"{}\"", shown(subject_of(certificate))); }
bool is_self_issued(X509* certificate) {
  return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}
bool has_issued(X509* issuer, X509* subject) { return X509_check_issued(issuer, subject) == X509_V_OK; }

enum class Strength : std::uint8_t { good, weak, unusable };
Strength strength_of(const EVP_PKEY* key) {
  if (key == nullptr) return Strength::unusable;
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return EVP_PKEY_get_bits(key) >= kMinRsaBits ? Strength::good : Strength::weak;
    case EVP_PKEY_EC:
      return EVP_PKEY_get_bits(key) >= kMinEcBits ? Strength::good : Strength::weak;
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
      return Strength::good;
    default:
      return Strength::unusable;
  }
}

bool has_weak_digest(const X509& certificate) {
  int digest = NID_undef;
  if (OBJ_find_sigid_algs(X509_get_signature_nid(&certificate), &digest, nullptr) != 1) return false;
  return digest == NID_sha1 || digest == NID_md5 || digest == NID_md4 || digest == NID_md2;
}

class Check {
 public:
  Check(const Bundle& bundle, Mode mode, bool mutual, Millis now)
      : bundle_(bundle), mode_(mode), mutual_(mutual), now_(now), fields_(fields_of(bundle.format)) {}

  Findings run() {
    check_presence();
    for (const auto& entry : bundle_.entries) check_entry(entry);
    for (const auto& certificate : bundle_.trust) check_trusted(*certificate);
    return std::move(found_);
  }

 private:
  void error(const char* field, std::string message) { found_.errors.push_back({field, prefix_ + std::move(message)}); }
  void warn(std::string message) { found_.warnings.push_back(prefix_ + std::move(message)); }

  void check_presence() {
    const bool needs_own = mode_ == Mode::server || mutual_;
    const char* who = mode_ == Mode::server ? "a server" : "mutual authentication";
    if (needs_own && bundle_.entries.empty()) {
      error(fields_.key, fmt::format("{} needs a private key", who));
      if (bundle_.format == Format::pem) error(fields_.cert, fmt::format("{} needs a certificate", who));
    }
    if (mode_ == Mode::server && mutual_ && bundle_.trust.empty()) {
      error(fields_.trust, "mutual authentication needs the CA certificates that clients' certificates lead to");
    }
  }

  void check_entry(const Entry& entry) {
    prefix_ = entry.alias.empty() ? "" : fmt::format("key \"{}\": ", shown(entry.alias));
    if (!entry.key) {
      error(fields_.key, "the private key of the certificate is missing");
    } else {
      check_strength(fields_.key, "the private key", entry.key.get());
    }
    if (entry.chain.empty()) {
      error(fields_.cert, "the certificate of the private key is missing");
    } else {
      check_match(entry);
      check_leaf(entry.chain.front().get());
      check_chain(entry.chain);
    }
    prefix_.clear();
  }

  void check_match(const Entry& entry) {
    if (!entry.key || X509_check_private_key(entry.chain.front().get(), entry.key.get()) == 1) return;
    for (std::size_t i = 1; i < entry.chain.size(); ++i) {
      if (X509_check_private_key(entry.chain[i].get(), entry.key.get()) != 1) continue;
      return error(fields_.cert, fmt::format("the key belongs to certificate {}, {}, which must come first", i + 1,
                                             quoted(*entry.chain[i])));
    }
    const auto* other = X509_get0_pubkey(entry.chain.front().get());
    error(fields_.key,
          fmt::format("the private key ({}) does not belong to the certificate {} ({})", key_type_of(*entry.key),
                      quoted(*entry.chain.front()), other != nullptr ? key_type_of(*other) : "unknown"));
  }

  void check_leaf(X509* leaf) {
    const bool server = mode_ == Mode::server;
    if (X509_check_purpose(leaf, server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT, 0) == 0) {
      warn(fmt::format("the key usage of {} does not allow it for {}", quoted(*leaf), server ? "servers" : "clients"));
    }
    if (server && X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1) < 0) {
      warn(fmt::format("{} has no subjectAltName, without which most clients refuse it", quoted(*leaf)));
    }
  }

  void check_chain(const std::vector<Certificate>& chain) {
    for (std::size_t i = 0; i < chain.size(); ++i) {
      auto* certificate = chain[i].get();
      check_dates(*certificate, "certificate");
      check_strength(fields_.cert, fmt::format("the key of {}", quoted(*certificate)).c_str(),
                     X509_get0_pubkey(certificate));
      if (!is_self_issued(certificate) && has_weak_digest(*certificate)) {
        warn(fmt::format("{} is signed with {}, which most peers refuse", quoted(*certificate),
                         OBJ_nid2ln(X509_get_signature_nid(certificate))));
      }
      if (i + 1 < chain.size() && !check_link(i, certificate, chain[i + 1].get())) return;
    }
    check_end(chain.back().get());
  }

  // Whether the chain can be followed further.
  bool check_link(std::size_t i, X509* subject, X509* issuer) {
    if (X509_NAME_cmp(X509_get_issuer_name(subject), X509_get_subject_name(issuer)) != 0) {
      error(fields_.cert,
            fmt::format("certificate {}, {}, did not issue the one before it, {}, whose issuer is \"{}\": "
                        "put the leaf first, then the issuer of each",
                        i + 2, quoted(*issuer), quoted(*subject), shown(name_of(X509_get_issuer_name(subject)))));
      return false;
    }
    auto* key = X509_get0_pubkey(issuer);
    if (key == nullptr || X509_verify(subject, key) != 1) {
      error(fields_.cert,
            fmt::format("{} is not signed by certificate {}, {}, though that has its issuer's name: it is "
                        "another one, or one of them is damaged",
                        quoted(*subject), i + 2, quoted(*issuer)));
      return false;
    }
    if (X509_check_ca(issuer) == 0) {
      error(fields_.cert, fmt::format("certificate {}, {}, is no CA and must not sign others", i + 2, quoted(*issuer)));
      return false;
    }
    return true;
  }

  void check_end(X509* last) {
    if (is_self_issued(last)) {
      auto* key = X509_get0_pubkey(last);
      if (key == nullptr || X509_verify(last, key) != 1) {
        error(fields_.cert, fmt::format("the self-signature of {} is wrong: it is damaged", quoted(*last)));
      }
      return;
    }
    const auto issued_it = [&](const Certificate& ca) { return has_issued(ca.get(), last); };
    if (X509_check_ca(last) != 0 || std::any_of(bundle_.trust.begin(), bundle_.trust.end(), issued_it)) return;
    warn(
        fmt::format("the chain ends at {} without its issuer, \"{}\": peers that know only the root cannot verify it; "
                    "append the CA certificates",
                    quoted(*last), shown(name_of(X509_get_issuer_name(last)))));
  }

  void check_trusted(const X509& trusted) {
    auto* certificate = const_cast<X509*>(&trusted);  // OpenSSL caches its extensions in it, under a lock
    check_dates(trusted, "trusted certificate");
    if (X509_check_ca(certificate) == 0 && !is_self_issued(certificate)) {
      warn(fmt::format("the trusted certificate {} is no CA: nothing leads to it", quoted(trusted)));
    }
    const auto* key = X509_get0_pubkey(certificate);
    if (strength_of(key) != Strength::good) {
      warn(fmt::format("the key of the trusted certificate {} ({}) is too weak: what it signed is refused",
                       quoted(trusted), key != nullptr ? key_type_of(*key) : "unknown"));
    }
  }

  void check_dates(const X509& certificate, std::string_view what) {
    const auto begin = not_before_of(certificate);
    const auto end = not_after_of(certificate);
    const auto tell = [&](std::string_view verb, Millis time) {
      warn(fmt::format("{} {} {} {}", what, quoted(certificate), verb, format_time(time)));
    };
    if (end < now_) {
      tell("expired on", end);
    } else if (begin > now_) {
      tell("is not valid before", begin);
    } else if (end - now_ <= kExpiryWarning) {
      tell("expires on", end);
    }
  }

  void check_strength(const char* field, std::string_view what, const EVP_PKEY* key) {
    switch (strength_of(key)) {
      case Strength::good:
        return;
      case Strength::weak:
        return error(field, fmt::format("{} ({}) is too weak: RSA needs {} bits, EC {}", what, key_type_of(*key),
                                        kMinRsaBits, kMinEcBits));
      case Strength::unusable:
        return error(field, fmt::format("{} ({}) is of a type that TLS cannot use", what,
                                        key != nullptr ? key_type_of(*key) : "unknown"));
    }
  }

  const Bundle& bundle_;
  Mode mode_;
  bool mutual_;
  Millis now_;
  Fields fields_;
  std::string prefix_{};
  Findings found_{};
};

}  // namespace

Findings check(const Bundle& bundle, Mode mode, bool mutual, Millis now) {
  const ErrorScope scope;
  return Check(bundle, mode, mutual, now).run();
}

}  // namespace jl::cert
