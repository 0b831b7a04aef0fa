#include "daemon/services/rules.hpp"
#include "tests/support/fake_store.hpp"

#include <doctest/doctest.h>

namespace jl::services {
namespace {

Resource resource(const std::string& kind, const std::string& text) {
  std::vector<Problem> problems;
  Resource out = model::read_resource(*model::find_kind(kind), boost::json::parse(text).as_object(), problems);
  REQUIRE_MESSAGE(problems.empty(), (problems.empty() ? "" : problems[0].field + " " + problems[0].message));
  return out;
}

struct Fixture {
  test::FakeStore store;
  Fixture() {
    View view(store);
    const char* const rows[][2] = {
        {"network", R"({"id":"net","spec":{"type":"MQTT_SERVER","configuration":{"port":1883}}})"},
        {"protocol", R"({"id":"official","spec":{}})"},
        {"gateway", R"({"id":"gw","spec":{"provider":"mqtt-server-gateway","channelId":"net","protocol":"official"}})"},
        {"product", R"({"id":"prod","enabled":true,"spec":{"accessId":"gw"}})"},
        {"device", R"({"id":"d1","enabled":true,"spec":{"productId":"prod"}})"}};
    for (const auto& row : rows) {
      Resource r = resource(row[0], row[1]);
      REQUIRE(view.before(r.kind, r.id).has_value());
      view.put(std::move(r));
    }
    REQUIRE(store.commit(view.transaction()).has_value());
  }
  // The problems of putting this document (or of deleting the object, for an empty one).
  std::vector<Problem> problems_of(const std::string& kind, const std::string& id, const std::string& text) {
    View view(store);
    REQUIRE(view.before(kind, id).has_value());
    if (text.empty()) {
      view.erase(kind, id);
    } else {
      view.put(resource(kind, text));
    }
    RuleContext context{view, "node-1"};
    REQUIRE(check_rules(context, view.changes()).has_value());
    return context.problems;
  }
};

}  // namespace

TEST_SUITE("services.view") {
  TEST_CASE("references are indexed both ways, and a change moves them") {
    Fixture f;
    View view(f.store);
    CHECK(*view.users_of("network", "net", 10) == std::vector<std::string>{"gateway/gw"});
    REQUIRE(view.before("gateway", "gw").has_value());
    view.erase("gateway", "gw");
    CHECK(view.users_of("network", "net", 10)->empty());
    REQUIRE(f.store.commit(view.transaction()).has_value());
    CHECK(View(f.store).users_of("network", "net", 10)->empty());
    CHECK(View(f.store).users_of("product", "prod", 10)->size() == 1);
  }

  TEST_CASE("what is put back as it was is no change") {
    Fixture f;
    View view(f.store);
    const Resource before = **view.before("device", "d1");
    Resource changed = before;
    changed.name = "other";
    view.put(changed);
    CHECK(view.changes().size() == 1);
    view.put(before);
    CHECK(view.changes().empty());
    CHECK(view.transaction().empty());
  }

  TEST_CASE("a transaction fails when a resource changed since the view was taken") {
    Fixture f;
    View mine(f.store), theirs(f.store);
    for (View* view : {&theirs, &mine}) {
      Resource r = **view->before("device", "d1");
      r.name = view == &mine ? "mine" : "theirs";
      view->put(std::move(r));
    }
    REQUIRE(f.store.commit(theirs.transaction()).has_value());
    CHECK(f.store.commit(mine.transaction()).error().code == Errc::revision_mismatch);
  }
}

TEST_SUITE("services.rules") {
  TEST_CASE("each rule refuses what it must, with its code [network 4, access 2, 3.4, 6]") {
    struct Row {
      const char *name, *kind, *id, *text;
      Errc code;
    };
    const Row rows[] = {
        {"enabled things are not deleted", "network", "net", "", Errc::enabled},
        {"a reference must lead somewhere", "gateway", "g2",
         R"({"id":"g2","spec":{"provider":"mqtt-server","channelId":"nope","protocol":"official"}})", Errc::invalid},
        {"one port for one listener of a node", "network", "n2",
         R"({"id":"n2","spec":{"type":"MQTT_SERVER","configuration":{"host":"127.0.0.1","port":1883}}})",
         Errc::address_in_use},
        {"a protocol in use is not disabled", "protocol", "official", R"({"id":"official","enabled":false,"spec":{}})",
         Errc::in_use},
        {"a product is enabled with a gateway only", "product", "p2", R"({"id":"p2","enabled":true,"spec":{}})",
         Errc::invalid},
        {"the gateway of a product with devices is fixed", "product", "prod", R"({"id":"prod","spec":{}})",
         Errc::in_use},
        {"a device is not its own parent", "device", "d1", R"({"id":"d1","spec":{"productId":"prod","parentId":"d1"}})",
         Errc::cyclic_dependence},
        {"a key that the protocol does not know", "device", "d1",
         R"({"id":"d1","spec":{"productId":"prod","configuration":{"secureKeyy":"x"}}})", Errc::unknown_field},
    };
    Fixture f;
    for (const Row& row : rows) {
      CAPTURE(row.name);
      const auto problems = f.problems_of(row.kind, row.id, row.text);
      REQUIRE_FALSE(problems.empty());
      CHECK(problems[0].code == row.code);
      CHECK(problems[0].object == std::string(row.kind) + "/" + row.id);
    }
  }

  TEST_CASE("another port, or the same port of another address, is fine [network 4.5]") {
    Fixture f;
    CHECK(f.problems_of("network", "n2", R"({"id":"n2","spec":{"type":"MQTT_SERVER","configuration":{"port":1884}}})")
              .empty());
    CHECK(f.problems_of("network", "n2",
                        R"({"id":"n2","enabled":false,"spec":{"type":"MQTT_SERVER","configuration":{"port":1883}}})")
              .empty());
  }

  TEST_CASE("MQTT clients listen nowhere, but two with one client id at one broker would push each other out") {
    Fixture f;
    const auto client = [](const char* id, const char* more, bool enabled = true) {
      return std::string(R"({"id":")") + id + R"(","enabled":)" + (enabled ? "true" : "false") +
             R"(,"spec":{"type":"MQTT_CLIENT","configuration":{"remoteHost":"b","remotePort":1883)" + more + "}}}";
    };
    const auto put = [&](const std::string& text) {
      View view(f.store);
      Resource r = resource("network", text);
      REQUIRE(view.before(r.kind, r.id).has_value());
      view.put(std::move(r));
      REQUIRE(f.store.commit(view.transaction()).has_value());
    };
    CHECK(f.problems_of("network", "c1", client("c1", R"(,"clientId":"c")")).empty());
    put(client("c1", R"(,"clientId":"c")"));
    const auto same = f.problems_of("network", "c2", client("c2", R"(,"clientId":"c")"));
    REQUIRE(same.size() == 1);
    CHECK(same[0].code == Errc::in_use);
    CHECK(same[0].field == "spec.configuration.clientId");
    CHECK(f.problems_of("network", "c2", client("c2", R"(,"clientId":"c")", false)).empty());
    CHECK(f.problems_of("network", "c2", client("c2", "")).empty());
    // Without one the component's own id is the client id.
    CHECK(f.problems_of("network", "c", client("c", "")).size() == 1);
  }

  TEST_CASE("a password for a broker needs a user name [network 1.4]") {
    Fixture f;
    const auto problems = [&](const char* more) {
      return f.problems_of("network", "c",
                           std::string(R"({"id":"c","spec":{"type":"MQTT_CLIENT","configuration":{"remoteHost":"b",)") +
                               R"("remotePort":1)" + more + "}}}");
    };
    CHECK(problems(R"(,"username":"u","password":"p")").empty());
    CHECK(problems(R"(,"username":"u")").empty());
    REQUIRE(problems(R"(,"password":"p")").size() == 1);
    CHECK(problems(R"(,"password":"p")")[0].field == "spec.configuration.password");
  }

  TEST_CASE("a gateway needs a component of its provider's type [access 1.3]") {
    Fixture f;
    const auto wrong = f.problems_of(
        "gateway", "g2", R"({"id":"g2","spec":{"provider":"mqtt-client","channelId":"net","protocol":"official"}})");
    REQUIRE(wrong.size() == 1);
    CHECK(wrong[0].field == "spec.channelId");
  }
}

}  // namespace jl::services
