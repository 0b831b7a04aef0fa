// Users of MQTT server components: where they belong, and that a name is one user's.
#include "daemon/services/rules.hpp"
#include "tests/support/fake_store.hpp"

#include <doctest/doctest.h>
#include <boost/json.hpp>

namespace jl::services {
namespace {
namespace json = boost::json;

struct Fixture {
  test::FakeStore store;
  std::array<unsigned char, 32> key{3};
  device::Secrets secrets{store::Sealer(key)};

  Fixture() { REQUIRE(put({server("n1", 1883), server("n2", 1884), client("up")}).empty()); }
  Resource resource(const char* kind, const std::string& id, json::object spec) const {
    std::vector<Problem> problems;
    Resource out = model::read_resource(*model::find_kind(kind), {{"id", id}, {"spec", std::move(spec)}}, problems);
    secrets.seal(out, nullptr, problems);
    REQUIRE_MESSAGE(problems.empty(), (problems.empty() ? "" : problems[0].field + " " + problems[0].message));
    return out;
  }
  Resource server(const std::string& id, int port) const {
    return resource("network", id, {{"type", "MQTT_SERVER"}, {"configuration", {{"port", port}}}});
  }
  Resource client(const std::string& id) const {
    return resource("network", id,
                    {{"type", "MQTT_CLIENT"}, {"configuration", {{"remoteHost", "127.0.0.1"}, {"remotePort", 1883}}}});
  }
  Resource user(const std::string& id, const std::string& network, const std::string& name = {}) const {
    json::object spec{{"networkId", network}, {"password", "p"}};
    if (!name.empty()) spec["username"] = name;
    return resource("user", id, std::move(spec));
  }
  // Puts them as one change; without problems it is committed.
  std::vector<Problem> put(std::vector<Resource> resources) {
    View view(store);
    for (auto& r : resources) {
      const auto before = view.before(r.kind, r.id);
      REQUIRE(before.has_value());
      if (*before) r.revision = (*before)->revision;
      view.put(std::move(r));
    }
    return finish(view);
  }
  std::vector<Problem> erase(const char* kind, const std::string& id) {
    View view(store);
    REQUIRE(view.before(kind, id).has_value());
    view.erase(kind, id);
    return finish(view);
  }

 private:
  std::vector<Problem> finish(View& view) {
    RuleContext context{view, "node-1"};
    context.secrets = &secrets;
    context.deletes_enabled = true;
    REQUIRE(check_rules(context, view.changes()).has_value());
    if (context.problems.empty()) REQUIRE(store.commit(view.transaction()).has_value());
    return context.problems;
  }
};

}  // namespace

TEST_SUITE("services.user") {
  TEST_CASE("a user belongs to an MQTT server that exists") {
    Fixture f;
    CHECK(f.put({f.user("app", "n1")}).empty());
    const auto elsewhere = f.put({f.user("other", "up")});
    REQUIRE(elsewhere.size() == 1);
    CHECK(elsewhere[0].field == "spec.networkId");
    CHECK(elsewhere[0].code == Errc::invalid);
    CHECK(elsewhere[0].object == "user/other");
    const auto nowhere = f.put({f.user("other", "missing")});
    REQUIRE(nowhere.size() == 1);
    CHECK(nowhere[0].field == "spec.networkId");
  }

  TEST_CASE("one name is one user's on a component, also where the name is the id") {
    Fixture f;
    REQUIRE(f.put({f.user("app", "n1")}).empty());
    const auto problems = f.put({f.user("u2", "n1", "app")});
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].field == "spec.username");
    CHECK(problems[0].code == Errc::already_exists);
    CHECK(problems[0].message.find("\"app\"") != std::string::npos);
    CHECK(f.put({f.user("u2", "n1", "App")}).empty());
    CHECK(f.put({f.user("u3", "n2", "app")}).empty());
  }

  TEST_CASE("two users of one change do not share a name either") {
    Fixture f;
    CHECK_FALSE(f.put({f.user("a", "n1", "same"), f.user("b", "n1", "same")}).empty());
    CHECK(f.put({f.user("a", "n1", "same"), f.user("b", "n2", "same")}).empty());
  }

  TEST_CASE("names may be swapped in one change, and a deleted user's name is free") {
    Fixture f;
    REQUIRE(f.put({f.user("a", "n1", "x"), f.user("b", "n1", "y")}).empty());
    CHECK(f.put({f.user("a", "n1", "y"), f.user("b", "n1", "x")}).empty());
    CHECK_FALSE(f.put({f.user("c", "n1", "x")}).empty());
    CHECK(f.erase("user", "b").empty());
    CHECK(f.put({f.user("c", "n1", "x")}).empty());
  }

  TEST_CASE("a component that has users is not deleted") {
    Fixture f;
    REQUIRE(f.put({f.user("app", "n1")}).empty());
    CHECK_FALSE(f.erase("network", "n1").empty());
    CHECK(f.erase("network", "n2").empty());
    CHECK(f.erase("user", "app").empty());
    CHECK(f.erase("network", "n1").empty());
  }
}

}  // namespace jl::services
