#pragma once
// Certificates and TLS contexts for the tests of the MQTT client component, made with the openssl program.
#include "daemon/network/tls_context.hpp"
#include "tests/unit/daemon/network/mqtt_broker_support.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <memory>
#include <string>

namespace jl::network::test {

/// A folder with two authorities ("ca", "other") and, signed by the first, "server" (localhost) and "client".
class Certificates {
 public:
  Certificates() {
    for (const char* ca : {"ca", "other"}) {
      REQUIRE(shell(fmt::format("openssl req -x509 {} -subj /CN={} -keyout {} -out {}", kKey, ca, key(ca), pem(ca))));
    }
    leaf("server", "subjectAltName=DNS:localhost");
    leaf("client", "extendedKeyUsage=clientAuth");
  }
  [[nodiscard]] std::string pem(std::string_view name) const { return folder_ / fmt::format("{}.pem", name); }
  [[nodiscard]] std::string key(std::string_view name) const { return folder_ / fmt::format("{}.key", name); }
  [[nodiscard]] std::string listener_config() const {
    return fmt::format("allow_anonymous true\ncertfile {}\nkeyfile {}\n", pem("server"), key("server"));
  }

 private:
  static constexpr const char* kKey = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2";
  void leaf(const std::string& name, const std::string& extension) const {
    const std::string csr = folder_ / (name + ".csr");
    const std::string file = folder_ / (name + ".ext");
    std::ofstream(file) << extension << "\nbasicConstraints=critical,CA:FALSE\n";
    REQUIRE(shell(fmt::format("openssl req {} -subj /CN={} -keyout {} -out {}", kKey, name, key(name), csr)));
    REQUIRE(shell(fmt::format("openssl x509 -req -in {} -CA {} -CAkey {} -CAcreateserial -days 2 -extfile {} -out {}",
                              csr, pem("ca"), key("ca"), file, pem(name))));
  }
  TempFolder folder_;
};

/// A client's context as TlsContext::client makes it: chain and name verified.
class ClientTls final : public TlsContext {
 public:
  ClientTls(const std::string& trust, const std::string& name) : context_(SSL_CTX_new(TLS_client_method())) {
    REQUIRE(SSL_CTX_load_verify_file(context_, trust.c_str()) == 1);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    if (!name.empty()) REQUIRE(X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(context_), name.c_str(), 0) == 1);
  }
  ~ClientTls() override { SSL_CTX_free(context_); }
  ClientTls(const ClientTls&) = delete;
  void present(const std::string& cert, const std::string& key) {
    REQUIRE(SSL_CTX_use_certificate_file(context_, cert.c_str(), SSL_FILETYPE_PEM) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) == 1);
  }
  [[nodiscard]] SSL_CTX* get() const override { return context_; }

 private:
  SSL_CTX* context_;
};

}  // namespace jl::network::test
