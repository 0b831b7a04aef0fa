#include "daemon/device/cert_info.hpp"

#include "common/cert/overview.hpp"
#include "common/model/cert.hpp"

#include <openssl/pem.h>

namespace jl::device {
namespace json = boost::json;
namespace {

Error in_spec(Error error) {
  error.field = cert_field(error.field);
  for (Problem& problem : error.problems) problem.field = cert_field(problem.field);
  return error;
}

Result<std::string> bytes_of(std::string_view base64, const char* field) {
  if (base64.empty()) return std::string();
  auto bytes = cert::decode_base64(base64);
  if (bytes) return bytes;
  Error error = bytes.error();
  error.field = field;
  return error;
}

Result<cert::Bundle> read_material(model::CertConfigs& configs, cert::Format format) {
  cert::Source source;
  source.format = format;
  std::string keystore, trust_keystore;
  if (format == cert::Format::pem) {
    // 1.x kept PEM in the fields of the key stores, key and certificates in one file (network.md 5.1).
    const bool is_old = configs.key.empty() && configs.cert.empty() && !configs.keystore_base64.empty();
    source.key = is_old ? configs.keystore_base64.reveal() : configs.key.reveal();
    source.key_password = configs.key_pwd.empty() ? configs.keystore_pwd : configs.key_pwd;
    source.cert = configs.cert;
    source.trust = configs.trust.empty() ? configs.trust_keystore_base64 : configs.trust;
  } else {
    JL_TRY(keystore, bytes_of(configs.keystore_base64.reveal(), "keystore"));
    JL_TRY(trust_keystore, bytes_of(configs.trust_keystore_base64, "trustKeyStore"));
    source.keystore = keystore;
    source.trust_keystore = trust_keystore;
    source.keystore_password = configs.keystore_pwd;
    source.trust_keystore_password = configs.trust_keystore_pwd;
    source.trust = configs.trust;
  }
  return cert::read(source);
}

using Memory = std::unique_ptr<BIO, decltype(&BIO_free_all)>;

std::string taken(const Memory& memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

}  // namespace

std::string cert_field(std::string_view name) {
  if (name.starts_with("spec")) return std::string(name);
  if (name.empty()) return "spec.configs";
  if (name == "keystore") return "spec.configs.keystoreBase64";
  if (name == "trustKeyStore") return "spec.configs.trustKeyStoreBase64";
  return "spec.configs." + std::string(name);
}

std::string to_pem(const X509& certificate) {
  const Memory memory(BIO_new(BIO_s_mem()), BIO_free_all);
  return PEM_write_bio_X509(memory.get(), &certificate) == 1 ? taken(memory) : std::string();
}

Secret to_pem(const EVP_PKEY& key) {
  const Memory memory(BIO_new(BIO_s_secmem()), BIO_free_all);
  const bool good = PEM_write_bio_PKCS8PrivateKey(memory.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  return good ? Secret(taken(memory)) : Secret();
}

Result<CertInfo> open_cert(const model::Resource& resource, const Secrets& secrets) {
  model::Resource plain = resource;
  JL_CHECK(secrets.reveal(plain));
  auto spec = model::from_json<model::Cert>(plain.spec);
  CertInfo out;
  out.id = resource.id;
  out.format = spec.format == model::CertFormat::pem   ? cert::Format::pem
               : spec.format == model::CertFormat::jks ? cert::Format::jks
                                                       : cert::Format::pfx;
  out.mode = spec.mode == model::CertMode::server ? cert::Mode::server : cert::Mode::client;
  out.mutual = spec.authentication == model::CertAuthentication::binomial;
  auto bundle = read_material(spec.configs, out.format);
  if (!bundle) return in_spec(bundle.error());
  out.summary = cert::describe(*bundle);
  out.not_after = cert::not_after(*bundle);
  out.bundle = std::make_shared<const cert::Bundle>(std::move(*bundle));
  return out;
}

json::object cert_status(const CertInfo& info, Millis now, bool detailed) {
  if (!info.bundle) return {{"validity", "unreadable"}, {"reason", info.problem}};
  return cert::overview(*info.bundle, info.summary, now, detailed);
}

}  // namespace jl::device
