// Certificates, and components that name them.
#include "common/cert/generate.hpp"

#include "import_support.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace jl;
using namespace jl::cli::jetlinks;
using namespace jl::cli::jetlinks::test;

namespace {

Options at_now() {
  Options out;
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  out.now = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  return out;
}

cert::Generated material(const std::string& name) {
  cert::Request request;
  request.common_name = name;
  request.now = at_now().now;
  return *cert::generate(request, nullptr);
}

json::object server(json::object configs, const char* id = "c") {
  return {{"id", id},         {"name", "证书"},
          {"format", "PEM"},  {"mode", json::object{{"value", "server"}, {"text", "服务端"}}},
          {"type", "common"}, {"authenticationMethod", "single"},
          {"createTime", 1},  {"configs", std::move(configs)}};
}

constexpr const char* kSecure =
    R"({"id":"n","type":"MQTT_SERVER","configuration":{"port":8883,"secure":true,"certId":"c"}})";

}  // namespace

TEST_SUITE("cli.import") {
  TEST_CASE("a certificate comes with its key, and a component finds it [network.md 5.1]") {
    const auto made = material("gateway.example");
    const json::object cert = server({{"key", made.key_pem.reveal()}, {"cert", made.cert_pem}, {"trust", ""}});
    const auto out = import("[" + json::serialize(cert) + "," + kSecure + "]", at_now());
    REQUIRE(out.has_value());
    CHECK(out->left_out == 0);
    CHECK(out->documents.at(0).at("kind") == "cert");
    CHECK_FALSE(out->documents.at(0).contains("enabled"));
    CHECK(out->documents.at(0).at("spec").at("configs").at("key") == json::value(made.key_pem.reveal()));
    CHECK(document_of(*out, "network", "n").at("spec").at("configuration").at("certId") == "c");
    CHECK(faults_of(*out).empty());
  }

  TEST_CASE("1.x says instance, knows no mode, and keeps PEM in the field of the store") {
    const auto made = material("old.example");
    const json::object cert{{"id", "c"},
                            {"instance", json::object{{"value", "PEM"}, {"text", "PEM"}}},
                            {"configs", json::object{{"keystoreBase64", made.key_pem.reveal() + made.cert_pem}}}};
    const auto out = import(json::serialize(cert), at_now());
    REQUIRE(out.has_value());
    CHECK(out->left_out == 0);
    CHECK(out->documents.at(0).at("spec").at("format") == "PEM");
    CHECK(faults_of(*out).empty());
  }

  TEST_CASE("a key that the export masks or leaves out is asked of the environment") {
    const auto made = material("gateway.example");
    for (const json::object& configs :
         {json::object{{"key", "******"}, {"cert", made.cert_pem}}, json::object{{"cert", made.cert_pem}}}) {
      const auto out = import(json::serialize(server(configs)), at_now());
      REQUIRE(out.has_value());
      CHECK(out->left_out == 0);
      CHECK(out->documents.at(0).at("spec").at("configs").at("key") ==
            json::object{{"fromEnv", "JETLINKS_CERT_C_KEY"}});
      CHECK(says(*out, "set JETLINKS_CERT_C_KEY"));
      CHECK(faults_of(*out).empty());
    }
  }

  TEST_CASE("material that jlinkd would refuse is left out, and what is secure with it [network.md 5.3]") {
    const auto made = material("a.example");
    const auto other = material("b.example");
    for (const json::object& configs :
         {json::object{}, json::object{{"key", other.key_pem.reveal()}, {"cert", made.cert_pem}},
          json::object{{"key", "text"}, {"cert", "text"}}, json::object{{"keystoreBase64", "!"}}}) {
      const auto out = import("[" + json::serialize(server(configs)) + "," + kSecure + "]", at_now());
      REQUIRE(out.has_value());
      CHECK(out->left_out == 2);
      CHECK(out->documents.empty());
      CHECK(says(*out, "cert \"c\" is not carried"));
    }
  }

  TEST_CASE("binomial without trust becomes single, with trust it is told that it now counts [network.md 5.5]") {
    const auto made = material("a.example");
    json::object cert = server({{"key", made.key_pem.reveal()}, {"cert", made.cert_pem}});
    cert["authenticationMethod"] = json::object{{"value", "binomial"}};
    const auto without = import(json::serialize(cert), at_now());
    REQUIRE(without->documents.size() == 1);
    CHECK(without->documents[0].at("spec").at("authenticationMethod") == "single");
    CHECK(says(*without, "became single"));
    cert["configs"].as_object()["trust"] = made.cert_pem;
    const auto with = import(json::serialize(cert), at_now());
    REQUIRE(with->documents.size() == 1);
    CHECK(with->documents[0].at("spec").at("authenticationMethod") == "binomial");
    CHECK(says(*with, "binomial now means it"));
  }

  TEST_CASE("a listener with a certificate of clients is left out") {
    const auto made = material("a.example");
    json::object cert = server({{"trust", made.cert_pem}});
    cert["mode"] = "client";
    const auto out = import("[" + json::serialize(cert) + "," + kSecure + "]", at_now());
    CHECK(out->documents.size() == 1);
    CHECK(says(*out, "is one of clients"));
  }
}
