#include "common/control/command_rows.hpp"

namespace jl::control {

void add_cert(std::vector<Command>& out) {
  const model::Kind* kind = model::find_kind("cert");
  const auto body = [](std::string name, std::string value, std::string help) {
    return Flag{std::move(name), std::move(value), std::move(help), Where::body};
  };

  Command renew = generic(*kind, "renew", "replace the material of a cert; components that use it take it over");
  renew.description =
      "What is given replaces what is stored; the rest stays. New connections use the new certificate, open ones go on "
      "with the old. When a component cannot use it, nothing changes.";
  renew.method = "POST", renew.path = "/v1/certs/{id}/renew", renew.role = Role::admin, renew.mutates = true;
  renew.spec_flags = true, renew.only_below = "configs", renew.large_body = true;
  renew.arguments = {{"ID", "id of the cert", "cert"}};
  renew.examples = {"jlctl cert renew web --key-file new-key.pem --cert-file new-chain.pem"};
  out.push_back(std::move(renew));

  Command make =
      generic(*kind, "generate", "make a key and a certificate, self-signed or by an authority kept as a cert");
  make.description = "For laboratories and closed networks. The key never leaves the daemon.";
  make.method = "POST", make.path = "/v1/certs/generate", make.role = Role::admin, make.mutates = true;
  make.arguments = {{"ID", "id of the new cert", ""}};
  make.flags = {body("cn", "NAME", "common name, up to 64 characters; default: the id"),
                body("san", "LIST", "host names and addresses that it stands for, with commas; may repeat"),
                body("days", "N", "how long it is valid; default 365"),
                body("key-type", "WORD", "default ec-p256"),
                body("ca", "", "an authority, that signs others"),
                body("issuer", "ID", "cert of the authority that signs it; default: itself"),
                body("mode", "WORD", "default server")};
  make.flags[1].repeated = true;
  make.flags[3].words = {"ec-p256", "ec-p384", "rsa-2048", "rsa-4096", "ed25519"};
  make.flags[5].completes = "cert";
  make.flags[6].words = {"server", "client"};
  make.examples = {"jlctl cert generate lab-ca --cn \"Lab CA\" --ca --days 3650",
                   "jlctl cert generate web --san gateway.example,192.0.2.7 --issuer lab-ca"};
  out.push_back(std::move(make));

  Command check = generic(*kind, "check", "look at certificate files without a daemon; exit 5 when something is wrong");
  check.arguments = {{"FILE", "PEM, DER, PKCS#12 or JKS, or - for standard input", "", false, true}};
  check.flags = {local("key-file", "FILE", "private key that belongs to the certificates, PEM"),
                 local("password-file", "FILE", "passphrase of the key or key store")};
  check.examples = {"jlctl cert check chain.pem --key-file key.pem", "jlctl cert check store.p12 --password-file pw"};
  out.push_back(std::move(check));

  Command connect = generic(*kind, "test-connect", "connect from the daemon with TLS and show what the peer presents");
  connect.description = "Exit 0 when the peer is verified, 10 when it is not.";
  connect.method = "POST", connect.path = "/v1/certs/test-connect", connect.role = Role::operator_;
  connect.arguments = {{"HOST:PORT", "whom to connect to", ""}};
  connect.flags = {body("cert", "ID", "cert whose authorities verify the peer, and which is shown if the peer asks"),
                   local("ca-file", "FILE", "authorities that verify the peer, PEM; default: those of the system"),
                   body("servername", "NAME", "name to ask for and to verify; default: HOST"),
                   body("connect-timeout", "DURATION", "give up after this long; default 10s, at most 60s")};
  connect.flags[0].completes = "cert";
  connect.examples = {"jlctl cert test-connect broker.example:8883",
                      "jlctl cert test-connect 192.0.2.7:8883 --cert lab-ca --servername gateway.example"};
  out.push_back(std::move(connect));
}

}  // namespace jl::control
