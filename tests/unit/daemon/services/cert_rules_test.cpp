// What material a cert may have, and what the components that use it need (network.md 5.3 to 5.6).
#include "common/cert/generate.hpp"
#include "daemon/services/rules.hpp"
#include "tests/support/fake_store.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

namespace jl::services {
namespace {
namespace json = boost::json;

constexpr Millis kNow = 1'700'000'000'000;
constexpr Millis kDay = 24LL * 3600 * 1000;

struct Material {
  std::string key, cert;
};

Material generate(const std::string& name, cert::KeyType type = cert::KeyType::ec_p256,
                  const Material* issuer = nullptr, bool is_ca = false) {
  cert::Request request;
  request.key_type = type;
  request.common_name = name;
  request.names = {name};
  request.is_ca = is_ca;
  request.now = kNow;
  Result<cert::Bundle> authority = cert::Bundle{};
  if (issuer) {
    cert::Source source;
    source.key = issuer->key;
    source.cert = issuer->cert;
    authority = cert::read(source);
    REQUIRE(authority.has_value());
  }
  const auto made = cert::generate(request, issuer ? &authority->entries.front() : nullptr);
  REQUIRE(made.has_value());
  return {made->key_pem.reveal(), made->cert_pem};
}

const Material& web() {
  static const Material material = generate("web.example");
  return material;
}

struct Fixture {
  test::FakeStore store;
  std::array<unsigned char, 32> key{3};
  device::Secrets secrets{store::Sealer(key)};
  std::vector<std::string> warnings;

  Resource cert(const std::string& id, json::object configs, json::object more = {}) const {
    more["configs"] = std::move(configs);
    return resource("cert", {{"id", id}, {"spec", std::move(more)}});
  }
  Resource pem(const std::string& id, const Material& material, json::object more = {}) const {
    return cert(id, {{"key", material.key}, {"cert", material.cert}}, std::move(more));
  }
  static json::object tls(const std::string& cert, json::object more = {}) {
    more["secure"] = true;
    more["certId"] = cert;
    more["port"] = 8883;
    return more;
  }
  Resource network(json::object configuration) const {
    return resource("network",
                    {{"id", "n"}, {"spec", {{"type", "MQTT_SERVER"}, {"configuration", std::move(configuration)}}}});
  }
  Resource resource(const char* kind, const json::object& document) const {
    std::vector<Problem> problems;
    Resource out = model::read_resource(*model::find_kind(kind), document, problems);
    secrets.seal(out, nullptr, problems);
    REQUIRE_MESSAGE(problems.empty(), (problems.empty() ? "" : problems[0].field + " " + problems[0].message));
    return out;
  }
  // Puts them as one change; "field: message" of each problem. Without problems it is committed.
  std::vector<Problem> put(std::vector<Resource> resources, Millis now = kNow) {
    View view(store);
    for (auto& r : resources) {
      const auto before = view.before(r.kind, r.id);
      REQUIRE(before.has_value());
      if (*before) r.revision = (*before)->revision;
      view.put(std::move(r));
    }
    RuleContext context{view, "node-1"};
    context.secrets = &secrets;
    context.now = now;
    REQUIRE(check_rules(context, view.changes()).has_value());
    warnings = context.warnings;
    if (context.problems.empty()) REQUIRE(store.commit(view.transaction()).has_value());
    return context.problems;
  }
  std::vector<Problem> erase(const std::string& id) {
    View view(store);
    REQUIRE(view.before("cert", id).has_value());
    view.erase("cert", id);
    RuleContext context{view, "node-1"};
    REQUIRE(check_rules(context, view.changes()).has_value());
    return context.problems;
  }
};

std::string field_of(const std::vector<Problem>& problems) { return problems.empty() ? "" : problems.front().field; }

}  // namespace

TEST_SUITE("services.cert") {
  TEST_CASE("good material is taken; a key that belongs to another certificate is not [network 5.3]") {
    Fixture f;
    CHECK(f.put({f.pem("web", web())}).empty());
    CHECK(field_of(f.put({f.pem("mixed", {generate("other").key, web().cert})})).starts_with("spec.configs."));
    // On edit as well.
    CHECK_FALSE(f.put({f.pem("web", {generate("other").key, web().cert})}).empty());
  }

  TEST_CASE("a server cert needs a key and its chain, a mutual one trust as well [network 5.5]") {
    Fixture f;
    CHECK_FALSE(f.put({f.cert("no-key", {{"cert", web().cert}})}).empty());
    CHECK_FALSE(f.put({f.cert("empty", {})}).empty());
    CHECK_FALSE(f.put({f.pem("mutual", web(), {{"authenticationMethod", "binomial"}})}).empty());
    const Material ca = generate("ca", cert::KeyType::ec_p256, nullptr, true);
    CHECK(f.put({f.cert("mutual", {{"key", web().key}, {"cert", web().cert}, {"trust", ca.cert}},
                        {{"authenticationMethod", "binomial"}})})
              .empty());
    // A client that only verifies the server needs nothing but trust.
    CHECK(f.put({f.cert("broker", {{"trust", ca.cert}}, {{"mode", "client"}})}).empty());
  }

  TEST_CASE("what has ended or ends soon is a warning, not an error [network 5.3]") {
    Fixture f;
    const auto warned = [&](Millis now) {
      REQUIRE(f.put({f.pem("web", web())}, now).empty());
      return f.warnings;
    };
    const auto fresh = warned(kNow).size();
    REQUIRE(f.erase("web").empty());
    Fixture g;
    CHECK(g.put({g.pem("web", web())}, kNow + 350 * kDay).empty());
    CHECK(g.warnings.size() == fresh + 1);
    Fixture h;
    CHECK(h.put({h.pem("web", web())}, kNow + 400 * kDay).empty());
    REQUIRE_FALSE(h.warnings.empty());
    CHECK(h.warnings.front().starts_with("cert/web: "));
  }

  TEST_CASE("a component that listens takes a cert of mode server, which must exist [network 5.4]") {
    Fixture f;
    const Material ca = generate("ca", cert::KeyType::ec_p256, nullptr, true);
    REQUIRE(f.put({f.pem("web", web()), f.cert("client", {{"trust", ca.cert}}, {{"mode", "client"}})}).empty());
    CHECK(field_of(f.put({f.network(Fixture::tls("none"))})) == "spec.configuration.certId");
    CHECK(field_of(f.put({f.network(Fixture::tls("client"))})) == "spec.configuration.certId");
    CHECK(f.put({f.network(Fixture::tls("web"))}).empty());
    CHECK(f.warnings.empty());
    CHECK(f.put({f.network(Fixture::tls("web", {{"privateKeyAlias", "mine"}}))}).empty());
    CHECK(f.warnings.size() == 1);  // the alias of a PEM is ignored with a warning
  }

  TEST_CASE("a network and its cert come in one change, in any order") {
    Fixture f;
    CHECK(f.put({f.network(Fixture::tls("web")), f.pem("web", web())}).empty());
  }

  TEST_CASE("a cert in use stays fit for its users, and is not deleted; they are named [network 5.6]") {
    Fixture f;
    REQUIRE(f.put({f.pem("web", web()), f.network(Fixture::tls("web"))}).empty());
    const auto refused = f.put({f.pem("web", web(), {{"mode", "client"}})});
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].object == "cert/web");
    CHECK(refused[0].message.find("network/n") != std::string::npos);
    const auto in_use = f.erase("web");
    REQUIRE(in_use.size() == 1);
    CHECK(in_use[0].code == Errc::in_use);
    CHECK(in_use[0].message.find("network/n") != std::string::npos);
    CHECK(f.put({f.pem("web", generate("renewed"))}).empty());
  }

  TEST_CASE("a cert named in a cluster entry alone is in use and checked, too [network 5.6]") {
    Fixture f;
    REQUIRE(f.put({f.pem("web", web())}).empty());
    const auto clustered = [&](const std::string& id) {
      const json::object entry{{"serverId", "node-2"}, {"configuration", Fixture::tls(id)}};
      return f.resource(
          "network", {{"id", "n"}, {"spec", {{"type", "MQTT_SERVER"}, {"shareCluster", false}, {"cluster", {entry}}}}});
    };
    CHECK(field_of(f.put({clustered("gone")})) == "spec.cluster[0].configuration.certId");
    REQUIRE(f.put({clustered("web")}).empty());
    REQUIRE(f.erase("web").size() == 1);
    CHECK_FALSE(f.put({f.pem("web", web(), {{"mode", "client"}})}).empty());
    // Without TLS the name is kept and nothing is asked of it; it still counts as a use.
    REQUIRE(f.put({f.network({{"port", 1}, {"certId", "web"}})}).empty());
    CHECK(f.put({f.pem("web", web(), {{"mode", "client"}})}).empty());
    CHECK(f.erase("web").size() == 1);
  }

  TEST_CASE("a cert that nothing uses is deleted although it cannot be disabled") {
    Fixture f;
    REQUIRE(f.put({f.pem("web", web())}).empty());
    CHECK(f.erase("web").empty());
  }
}

}  // namespace jl::services
