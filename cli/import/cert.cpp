// Certificates (certificate_info; network.md 5.1). JetLinks hands out private keys in clear, so they are usually there.
#include "common/model/cert.hpp"

#include "cli/import/conversion.hpp"
#include "cli/import/ids.hpp"
#include "cli/import/values.hpp"
#include "common/base/words.hpp"
#include "common/cert/check.hpp"
#include "common/cert/read.hpp"
#include "common/text/secret_references.hpp"

#include <algorithm>
#include <array>

namespace jl::cli::jetlinks {
namespace {

constexpr std::array<std::string_view, 8> kMaterial{
    "key", "cert", "trust", "keyPwd", "keystoreBase64", "keystorePwd", "trustKeyStoreBase64", "trustKeyStorePwd"};

Result<std::string> bytes_of(std::string_view base64) {
  if (base64.empty()) return std::string();
  return cert::decode_base64(base64);
}

// As jlinkd opens it when it is applied, 1.x with PEM in the fields of the stores among it.
Result<cert::Bundle> open(const model::Cert& spec) {
  const model::CertConfigs& configs = spec.configs;
  cert::Source source;
  std::string keystore, trust_keystore;
  if (spec.format == model::CertFormat::pem) {
    const bool is_old = configs.key.empty() && configs.cert.empty() && !configs.keystore_base64.empty();
    source.key = is_old ? configs.keystore_base64.reveal() : configs.key.reveal();
    source.key_password = configs.key_pwd.empty() ? configs.keystore_pwd : configs.key_pwd;
    source.cert = configs.cert;
    source.trust = configs.trust.empty() ? configs.trust_keystore_base64 : configs.trust;
    return cert::read(source);
  }
  source.format = spec.format == model::CertFormat::jks ? cert::Format::jks : cert::Format::pfx;
  JL_TRY(keystore, bytes_of(configs.keystore_base64.reveal()));
  JL_TRY(trust_keystore, bytes_of(configs.trust_keystore_base64));
  source.keystore = keystore;
  source.trust_keystore = trust_keystore;
  source.keystore_password = configs.keystore_pwd;
  source.trust_keystore_password = configs.trust_keystore_pwd;
  source.trust = configs.trust;
  return cert::read(source);
}

json::object material_of(Conversion& conversion, Draft& draft, json::object given) {
  json::object known;
  for (const std::string_view key : kMaterial) {
    json::value value = take(given, key);
    if (!is_empty(value)) known[key] = std::move(value);
  }
  for (const auto& [key, value] : given) {
    if (!is_empty(value)) conversion.note(draft, "configs." + std::string(key), "dropped: jlinkd has no such field");
  }
  return with_secrets_from_environment(conversion, draft, "configs", known);
}

// A server's certificate whose private key the export leaves out: the rest is worth carrying.
void ask_for_key(Conversion& conversion, Draft& draft, json::object& configs) {
  const auto* cert = configs.if_contains("cert");
  const bool holds_key = cert && cert->is_string() && cert->get_string().find("PRIVATE KEY") != std::string::npos;
  if (!cert || holds_key || configs.contains("key") || configs.contains("keystoreBase64")) return;
  const std::string name = variable_for("cert", draft.id, "key");
  conversion.note(draft, "configs.key", "the export leaves it out; set " + name + " for jlctl apply");
  configs["key"] = json::object{{"fromEnv", name}};
}

// network.md 5.5: JetLinks stores who proves what and never reads it.
bool is_mutual_without_trust(const cert::Findings& findings, const model::Cert& spec) {
  return spec.authentication == model::CertAuthentication::binomial && !findings.errors.empty() &&
         std::ranges::all_of(findings.errors, [](const Problem& problem) { return problem.field == "trust"; });
}

void check_material(Conversion& conversion, Draft& draft) {
  auto spec = model::from_json<model::Cert>(draft.canonical);
  const auto bundle = open(spec);
  if (!bundle) {
    const std::string field = bundle.error().field.empty() ? "" : "configs." + bundle.error().field;
    return conversion.leave_out(draft, field, bundle.error().message);
  }
  const cert::Mode mode = spec.mode == model::CertMode::server ? cert::Mode::server : cert::Mode::client;
  const bool is_mutual = spec.authentication == model::CertAuthentication::binomial;
  cert::Findings findings = cert::check(*bundle, mode, is_mutual, conversion.options().now);
  if (is_mutual_without_trust(findings, spec)) {
    draft.spec["authenticationMethod"] = draft.canonical["authenticationMethod"] = "single";
    conversion.note(draft, "authenticationMethod",
                    "became single: there is no trust to check clients with, and JetLinks never checked them");
    findings.errors.clear();
  } else if (is_mutual && mode == cert::Mode::server && findings.errors.empty()) {
    conversion.note(draft, "authenticationMethod",
                    "binomial now means it: clients must show a certificate that trust leads to");
  }
  if (!findings.errors.empty()) {
    const Problem& first = findings.errors.front();
    return conversion.leave_out(draft, first.field.empty() ? "" : "configs." + first.field, first.message);
  }
  for (const std::string& warning : findings.warnings) conversion.note(draft, "configs", warning, Severity::info);
}

}  // namespace

void convert_cert(Conversion& conversion, Draft& draft) {
  draft.enabled = true;
  json::value format = take(draft.fields, "format");
  const json::value instance = take(draft.fields, "instance");  // 1.x
  if (is_empty(format)) format = instance;
  for (const char* key : {"type", "mode", "authenticationMethod"}) {
    json::value value = take(draft.fields, key);
    if (!is_empty(value)) draft.spec[key] = std::move(value);
  }
  if (!is_empty(format)) draft.spec["format"] = std::move(format);
  const json::value configs = as_structure(take(draft.fields, "configs"));
  if (!configs.is_object() || configs.get_object().empty())
    return conversion.leave_out(draft, "configs", "the export has nothing of the certificate itself");
  json::object material = material_of(conversion, draft, configs.get_object());
  if (to_lower(as_word(draft.spec["mode"])) != "client") ask_for_key(conversion, draft, material);
  const bool is_complete =
      std::ranges::none_of(material, [](const auto& member) { return text::is_secret_reference(member.value()); });
  draft.spec["configs"] = std::move(material);
  if (draft.spec["mode"].is_null()) draft.spec.erase("mode");
  conversion.drop_rest(draft, {});
  conversion.settle(draft);
  if (draft.carried && is_complete) check_material(conversion, draft);
}

}  // namespace jl::cli::jetlinks
