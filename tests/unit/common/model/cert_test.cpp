#include "common/model/cert.hpp"

#include "common/model/network.hpp"
#include "tests/unit/common/model/support.hpp"

using namespace jl;
using namespace jl::model;

namespace {

// A PEM of that many bytes, as far as a field table can tell.
std::string pem(std::size_t size) {
  std::string out = "-----BEGIN CERTIFICATE-----\r\n\t";
  while (out.size() < size) out += out.size() % 65 == 64 ? '\n' : 'A';
  return out;
}

json::object cert_with(const char* field, const std::string& value) {
  return {{"id", "c"}, {"spec", json::object{{"configs", json::object{{field, value}}}}}};
}

}  // namespace

TEST_SUITE("common.model.cert") {
  TEST_CASE("what a cert leaves out gets its default [network 5.1]") {
    CHECK(read("cert", "{'id':'c'}").spec ==
          js("{'type':'common','format':'PEM','mode':'server','authenticationMethod':'single'}"));
    const auto cert =
        from_json<Cert>(read("cert",
                             "{'id':'c','spec':{'format':'p12','mode':'CLIENT','authenticationMethod':'binomial',"
                             "'configs':{'keystoreBase64':'MIIB','keystorePwd':'pw','trust':'-'}}}")
                            .spec);
    CHECK(cert.format == CertFormat::pfx);
    CHECK(cert.mode == CertMode::client);
    CHECK(cert.authentication == CertAuthentication::binomial);
    CHECK(cert.configs.keystore_base64.reveal() == "MIIB");
    CHECK(cert.configs.keystore_pwd.reveal() == "pw");
    CHECK(cert.configs.trust == "-");
  }

  TEST_CASE("the shape of 1.x is read: instance for format, no mode [network 5.1]") {
    const Resource r =
        read("cert", "{'id':'c','name':'Old','instance':'PFX','configs':{'keystoreBase64':'MIIB','keystorePwd':''}}");
    CHECK(r.spec == js("{'type':'common','format':'PFX','mode':'server','authenticationMethod':'single',"
                       "'configs':{'keystoreBase64':'MIIB'}}"));
    CHECK(problems_of("cert", "{'id':'c','instance':'DER'}") == Briefs{"spec.format invalid"});
    CHECK(problems_of("cert", "{'id':'c','spec':{'formt':'PEM'}}") == Briefs{"spec.formt unknown_field"});
  }

  TEST_CASE("texts with line breaks of up to 1 MiB pass, longer ones do not") {
    for (const char* field : {"key", "cert", "trust"}) {
      CAPTURE(field);
      std::vector<Problem> problems;
      const std::string text = pem(kMaxCertText);
      const Resource r = read_resource(*find_kind("cert"), cert_with(field, text), problems);
      CHECK(problems.empty());
      CHECK(r.spec.at("configs").at(field) == json::value(text));
      (void)read_resource(*find_kind("cert"), cert_with(field, text + "A"), problems);
      CHECK(brief(problems) == Briefs{std::string("spec.configs.") + field + " invalid"});
    }
    std::vector<Problem> problems;
    (void)read_resource(*find_kind("cert"), cert_with("keystoreBase64", std::string(kMaxCertBase64, 'A')), problems);
    CHECK(problems.empty());
  }

  TEST_CASE("a cert is not switched on and off: no `enabled` comes in or goes out") {
    const Resource r = read("cert", "{'id':'c'}");
    CHECK_FALSE(to_document(r).contains("enabled"));
    CHECK_FALSE(to_manifest(r).contains("enabled"));
    CHECK(problems_of("cert", "{'id':'c','enabled':true,'spec':{}}") == Briefs{"enabled unknown_field"});
    CHECK_FALSE(common_fields(false).find("enabled"));
    CHECK(common_fields().find("enabled"));
    // Its own documents are taken back.
    std::vector<Problem> problems;
    CHECK(same_content(patch_resource(*find_kind("cert"), r, {}, problems), r));
    CHECK(problems.empty());
    CHECK(same_content(*from_stored("cert", "c", to_stored(r), 1), r));
  }

  TEST_CASE("a component with TLS names its certificate, one without need not [network 1.3]") {
    const auto network = [](const std::string& more) {
      return "{'id':'n','spec':{'type':'MQTT_SERVER','configuration':{'port':1883" + more + "}}}";
    };
    CHECK(problems_of("network", network(",'secure':true")) == Briefs{"spec.configuration.certId invalid"});
    CHECK(problems_of("network", network(",'secure':'false','certId':''")).empty());
    const auto spec = read("network", network(",'secure':true,'certId':'c','privateKeyAlias':'web','publicSecure':true,"
                                              "'publicCertId':'other'"))
                          .spec;
    const auto server = from_json<MqttServer>(spec.at("configuration").as_object());
    CHECK(server.secure);
    CHECK(server.cert_id.id == "c");
    CHECK(server.private_key_alias == "web");
    CHECK(server.public_secure);
    CHECK(server.public_cert_id == "other");
  }

  TEST_CASE("references to certs are found in the configuration and in every cluster entry [network 5.6]") {
    const Resource r = read("network",
                            "{'id':'n','spec':{'type':'mqtt-server','shareCluster':false,"
                            "'configuration':{'port':1,'secure':true,'certId':'a','publicCertId':'x'},"
                            "'cluster':[{'serverId':'n1','configuration':{'port':2,'secure':true,'certId':'b'}},"
                            "{'serverId':'n2','configuration':{'port':3}},"
                            "{'serverId':'n3','configuration':{'port':4,'certId':'c'}}]}}");
    std::vector<std::string> found;
    for (const auto& use : references_of(r)) found.push_back(use.field + " " + use.kind + "/" + use.id);
    CHECK(found == std::vector<std::string>{"spec.configuration.certId cert/a",
                                            "spec.cluster[0].configuration.certId cert/b",
                                            "spec.cluster[2].configuration.certId cert/c"});
  }
}
