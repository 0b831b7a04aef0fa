#pragma once
// Certificates and TLS contexts for the tests of the MQTT client component, made with the openssl program.
#include "common/cert/read.hpp"
#include "daemon/network/tls_context.hpp"
#include "tests/unit/daemon/network/mqtt_broker_support.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <fstream>
#include <iterator>
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

/// A client's context that trusts `authority` and verifies `name` ("" = any); with an `identity` it shows that.
inline std::shared_ptr<const TlsContext> client_tls(const Certificates& certificates, std::string_view authority,
                                                    const std::string& name, std::string_view identity = {}) {
  const auto text = [](const std::string& path) {
    std::ifstream file(path);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string trust = text(certificates.pem(authority));
  const std::string key = identity.empty() ? "" : text(certificates.key(identity));
  const std::string cert = identity.empty() ? "" : text(certificates.pem(identity));
  cert::Source source;
  source.key = key;
  source.cert = cert;
  source.trust = trust;
  auto bundle = cert::read(source);
  REQUIRE_MESSAGE(bundle.has_value(), (bundle ? std::string() : bundle.error().message));
  TlsClientOptions options;
  options.bundle = std::make_shared<const cert::Bundle>(std::move(*bundle));
  options.mutual = !identity.empty();
  options.verify_host = !name.empty();
  options.host = name;
  auto made = TlsContext::client(options);
  REQUIRE_MESSAGE(made.has_value(), (made ? std::string() : made.error().message));
  return *made;
}

}  // namespace jl::network::test
