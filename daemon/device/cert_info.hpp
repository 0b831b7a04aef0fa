#pragma once
// A cert resource, opened: what TLS layers load, what the rules check, what lists show.
#include "common/cert/bundle.hpp"
#include "common/cert/check.hpp"
#include "common/cert/read.hpp"
#include "daemon/device/secrets.hpp"

#include <boost/json/object.hpp>
#include <memory>
#include <string>

namespace jl::device {

struct CertInfo {
  std::string id;
  cert::Format format{};
  cert::Mode mode{};
  bool mutual = false;                         ///< authenticationMethod is binomial
  std::shared_ptr<const cert::Bundle> bundle;  ///< nullptr when it could not be read
  boost::json::object summary;                 ///< cert::describe of it
  Millis not_after = 0;                        ///< epoch ms; 0 = has no certificate
  std::string problem;                         ///< why it could not be read; "" = it could
};

/// Reads the material of a cert whose secrets are sealed. Slow for key stores: their passphrases are stretched.
/// Errors: corrupt (a secret cannot be opened); invalid with the field's path in the spec ("spec.configs.key").
[[nodiscard]] Result<CertInfo> open_cert(const model::Resource& resource, const Secrets& secrets);

/// PEM texts; the key as unencrypted PKCS#8.
[[nodiscard]] std::string to_pem(const X509& certificate);
[[nodiscard]] Secret to_pem(const EVP_PKEY& key);

/// The path in the spec of what cert:: calls "key", "cert", "trust", "keystore", "trustKeyStore".
[[nodiscard]] std::string cert_field(std::string_view name);

/// The `status` member of a cert document, without its users.
[[nodiscard]] boost::json::object cert_status(const CertInfo& info, Millis now, bool detailed);

}  // namespace jl::device
