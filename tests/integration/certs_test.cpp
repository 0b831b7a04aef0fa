// Certs through the control socket: what needs which role, renewal, generation, and what the daemon says of them.
#include "tests/integration/house.hpp"

#include <fmt/format.h>

namespace jl::test {
namespace {

constexpr Millis kDay = 24LL * 3600 * 1000;

std::string text_of(const Reply& reply) { return json::serialize(reply.body); }

json::object material_of(const House& house, const std::string& id) {
  const Reply shown = house.call("GET", "/v1/certs/" + id + "?showPrivate=true");
  return {{"key", shown.at("privateKeys.0.pem")}, {"cert", shown.at("spec.configs.cert")}};
}

std::string renewal(json::object configs) {
  return json::serialize(json::object{{"spec", json::object{{"configs", std::move(configs)}}}});
}

}  // namespace

TEST_CASE("private keys are shown to admins who ask, with a record, and to nobody else") {
  House house;
  REQUIRE(house.call("POST", "/v1/certs/generate", R"({"id":"web","san":["a.example"]})").status == 201);
  CHECK(text_of(house.call("GET", "/v1/certs/web")).find("PRIVATE") == std::string::npos);
  for (const Role role : {Role::viewer, Role::operator_}) {
    Ctl ctl = house.ctl_as(role);
    CHECK(ctl.call("GET", "/v1/certs/web").status == 200);
    CHECK(ctl.call("GET", "/v1/certs/web?showPrivate=true").code() == "denied");
  }
  CHECK(
      house.call("GET", "/v1/certs/web?showPrivate=true").text("privateKeys.0.pem").starts_with("-----BEGIN PRIVATE"));
  const Reply log = house.call("GET", "/v1/logs/access?limit=1");
  CHECK(log.text("items.0.object") == "cert/web");
  CHECK(log.text("items.0.parameters.query.showPrivate") == "true");
  Ctl viewer = house.ctl_as(Role::viewer);
  CHECK(viewer.call("POST", "/v1/certs/test-connect", R"({"address":"127.0.0.1:1"})").code() == "denied");
  CHECK(viewer.call("POST", "/v1/certs/generate", R"({"id":"more"})").code() == "denied");
}

TEST_CASE("generate: what it is asked for is checked, and an authority signs [cert generate]") {
  House house;
  REQUIRE(house.call("POST", "/v1/certs/generate", R"({"id":"ca","ca":true,"cn":"Lab CA"})").status == 201);
  const Reply made = house.call("POST", "/v1/certs/generate?requestId=r1", R"({"id":"web","issuer":"ca","days":"40"})");
  REQUIRE(made.status == 201);
  CHECK(made.text("data.status.issuer") == "CN=Lab CA");
  CHECK(made.number("data.status.trust") == 1);
  CHECK(made.text("data.spec.configs.key").starts_with("sealed:"));
  // A retry gets the same answer, not another key.
  const Reply again =
      house.call("POST", "/v1/certs/generate?requestId=r1", R"({"id":"web","issuer":"ca","days":"40"})");
  CHECK(again.status == 201);
  CHECK(again.at("revision") == made.at("revision"));
  CHECK(again.at("data.spec") == made.at("data.spec"));
  struct Row {
    const char *body, *field;
  };
  for (const Row& row : {Row{R"({"id":"bad id"})", "id"}, Row{R"({"id":"x","days":0})", "days"},
                         Row{R"({"id":"x","days":"soon"})", "days"}, Row{R"({"id":"x","keyType":"dsa"})", "keyType"},
                         Row{R"({"id":"x","san":"a"})", "san"}, Row{R"({"id":"x","issuer":"none"})", "issuer"},
                         Row{R"({"id":"x","ca":1})", "ca"}, Row{R"({"id":"x","size":1})", "size"}}) {
    CAPTURE(row.body);
    const Reply reply = house.call("POST", "/v1/certs/generate", row.body);
    CHECK(reply.status == 422);
    CHECK(reply.text("field") == row.field);
  }
  CHECK(house.call("POST", "/v1/certs/generate", R"({"id":"x","issuer":"web"})").status == 422);
  CHECK(house.call("POST", "/v1/certs/generate", R"({"id":"x","mode":"both"})").status == 422);
  CHECK(house.call("POST", "/v1/certs/generate", R"({"id":"web"})").code() == "already_exists");
  CHECK(house.call("HEAD", "/v1/certs/x").status == 404);
}

TEST_CASE("a renewal replaces the material and nothing else; what cannot work changes nothing [network 5.6]") {
  House house;
  REQUIRE(house.call("POST", "/v1/certs/generate", R"({"id":"web"})").status == 201);
  REQUIRE(house.call("POST", "/v1/certs/generate", R"({"id":"next"})").status == 201);
  REQUIRE(house.call("PATCH", "/v1/certs/web", R"({"name":"Kept"})").status == 200);
  const std::string before = house.call("GET", "/v1/certs/web").text("status.fingerprint");
  const json::object next = material_of(house, "next");

  const Reply half = house.call("POST", "/v1/certs/web/renew", renewal({{"cert", next.at("cert")}}));
  CHECK(half.code() == "invalid");
  CHECK(house.call("GET", "/v1/certs/web").text("status.fingerprint") == before);
  const Reply done = house.call("POST", "/v1/certs/web/renew", renewal(next));
  CHECK(done.text("result") == "updated");
  CHECK(done.text("data.status.fingerprint") == house.call("GET", "/v1/certs/next").text("status.fingerprint"));
  CHECK(done.text("data.name") == "Kept");
  for (const char* body : {"{}", R"({"spec":{}})", R"({"spec":{"configs":{}}})", R"({"name":"x"})",
                           R"({"spec":{"mode":"client","configs":{"cert":"-"}}})", R"({"spec":{"configs":7}})"}) {
    CAPTURE(body);
    CHECK(house.call("POST", "/v1/certs/web/renew", body).code() == "bad_request");
  }
  const std::string log = text_of(house.call("GET", "/v1/logs/access?limit=100"));
  CHECK(log.find("PRIVATE") == std::string::npos);
}

TEST_CASE("a cert survives a restart, and status tells what ends when") {
  House house;
  REQUIRE(house.call("POST", "/v1/certs/generate", R"({"id":"long","days":400})").status == 201);
  REQUIRE(house.call("POST", "/v1/certs/generate", R"({"id":"short","days":20})").status == 201);
  REQUIRE(house.call("POST", "/v1/certs/generate", R"({"id":"gone","days":1})").status == 201);
  house.clock.advance(2 * kDay);
  house.restart();
  CHECK(house.call("GET", "/v1/certs/long").text("status.validity") == "ok");
  const Reply status = house.call("GET", "/v1/status");
  CHECK(status.number("certs.total") == 3);
  CHECK(status.at("certs.expiring") == json::value{"short"});
  CHECK(status.at("certs.expired") == json::value{"gone"});
}

TEST_CASE("a component names its cert in a cluster entry as well, and the cert is kept for it [network 5.6]") {
  House house;
  REQUIRE(house.call("POST", "/v1/certs/generate", R"({"id":"web"})").status == 201);
  const std::string entry = R"({"serverId":"elsewhere","configuration":{"port":8883,"secure":true,"certId":"%"}})";
  const auto network = [&](const std::string& cert) {
    std::string cluster = entry;
    cluster.replace(cluster.find('%'), 1, cert);
    return R"({"id":"n","enabled":false,"spec":{"type":"MQTT_SERVER","shareCluster":false,"cluster":[)" + cluster +
           "]}}";
  };
  CHECK(house.call("POST", "/v1/networks", network("none")).text("field") == "spec.cluster[0].configuration.certId");
  REQUIRE(house.call("POST", "/v1/networks", network("web")).status == 201);
  CHECK(house.call("GET", "/v1/certs/web").at("status.usedBy") == json::value{"network/n"});
  const Reply refused = house.call("DELETE", "/v1/certs/web");
  CHECK(refused.code() == "in_use");
  CHECK(text_of(refused).find("network/n") != std::string::npos);
  REQUIRE(house.call("DELETE", "/v1/networks/n").status == 200);
  CHECK(house.call("DELETE", "/v1/certs/web").text("result") == "deleted");
}

TEST_CASE("listeners with TLS come up again after a restart, with the certificate that was renewed before it") {
  House house;
  REQUIRE(house.call("POST", "/v1/certs/generate", R"({"id":"web","san":["localhost"]})").status == 201);
  REQUIRE(house.call("POST", "/v1/certs/generate", R"({"id":"next","san":["localhost"]})").status == 201);
  const int port = free_port();
  const std::string network = fmt::format(
      R"({{"id":"tls","spec":{{"type":"MQTT_SERVER","configuration":{{"host":"127.0.0.1","port":{},"secure":true,"certId":"web"}}}}}})",
      port);
  REQUIRE(house.call("POST", "/v1/networks", network).status == 201);
  const auto presented = [&] {
    const Reply peer = house.call("POST", "/v1/certs/test-connect",
                                  fmt::format(R"({{"address":"127.0.0.1:{}","servername":"localhost"}})", port));
    return json::serialize(peer.body);
  };
  const std::string first = house.call("GET", "/v1/certs/web").text("status.fingerprint");
  const std::string second = house.call("GET", "/v1/certs/next").text("status.fingerprint");
  CHECK(presented().find(first) != std::string::npos);
  house.restart();
  CHECK(house.call("GET", "/v1/networks/tls").text("status.state") == "running");
  CHECK(presented().find(first) != std::string::npos);
  REQUIRE(house.call("POST", "/v1/certs/web/renew", renewal(material_of(house, "next"))).status == 200);
  CHECK(presented().find(second) != std::string::npos);
  house.restart();
  CHECK(presented().find(second) != std::string::npos);
}

}  // namespace jl::test
