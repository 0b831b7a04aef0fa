#include "daemon/services/bonds.hpp"

#include "daemon/services/rules.hpp"
#include "tests/support/fake_store.hpp"

#include <doctest/doctest.h>
#include <chrono>

namespace jl::services {
namespace {

namespace json = boost::json;

Resource bond_resource(const std::string& kind, const std::string& text) {
  std::vector<Problem> problems;
  Resource out = model::read_resource(*model::find_kind(kind), json::parse(text).as_object(), problems);
  REQUIRE_MESSAGE(problems.empty(), (problems.empty() ? "" : problems[0].field + " " + problems[0].message));
  return out;
}

std::string things(const std::string& ids) {
  std::string out;
  for (const char id : ids) {
    out += (out.empty() ? "" : ",") + std::string(R"({"id":")") + id + R"(","name":"x","valueType":{"type":"int"}})";
  }
  return R"({"properties":[)" + out + "]}";
}

// A channel with two points, one of them bound twice, and a device beside.
struct Plant {
  test::FakeStore store;
  Plant() {
    View view(store);
    const std::vector<std::pair<std::string, std::string>> rows{
        {"modbus-channel", R"({"id":"c","enabled":false,"spec":{"host":"h"}})"},
        {"modbus-point", R"({"id":"p1","spec":{"channelId":"c","address":"1"}})"},
        {"modbus-point", R"({"id":"p2","spec":{"channelId":"c","address":"2"}})"},
        {"product", R"({"id":"prod","spec":{"metadata":)" + things("ab") + "}}"},
        {"device",
         R"({"id":"d1","spec":{"productId":"prod","bindings":[{"property":"a","point":"p1"},{"property":"b","point":"p2"}]}})"},
        {"device", R"({"id":"d2","spec":{"productId":"prod","bindings":[{"property":"a","point":"p1"}]}})"},
        {"device", R"({"id":"d3","spec":{"productId":"prod"}})"}};
    for (const auto& [kind, text] : rows) {
      Resource r = bond_resource(kind, text);
      REQUIRE(view.before(r.kind, r.id).has_value());
      view.put(std::move(r));
    }
    REQUIRE(store.commit(view.transaction()).has_value());
  }

  static json::value bindings(View& view, const char* device) {
    const auto found = view.get("device", device);
    REQUIRE(found.has_value());
    REQUIRE(*found);
    const auto* value = (*found)->spec.if_contains("bindings");
    return value ? *value : json::value();
  }
};

}  // namespace

TEST_SUITE("services.bonds") {
  TEST_CASE("a deleted point takes its bindings along, and says which [operations 2.1]") {
    Plant plant;
    View view(plant.store);
    REQUIRE(view.before("modbus-point", "p1").has_value());
    view.erase("modbus-point", "p1");
    const auto after = follow_bonds(view, 77);
    REQUIRE(after.has_value());
    CHECK(after->deleted.empty());
    CHECK(after->unbound == json::parse(R"([{"resource":"device/d1","property":"a","point":"p1"},
                                            {"resource":"device/d2","property":"a","point":"p1"}])"));
    CHECK(Plant::bindings(view, "d1") == json::parse(R"([{"property":"b","point":"p2"}])"));
    CHECK(Plant::bindings(view, "d2").is_null());
    CHECK((*view.get("device", "d2"))->updated_at == 77);
  }

  TEST_CASE("a deleted channel takes its points along, enabled or not, and their bindings") {
    Plant plant;
    View view(plant.store);
    REQUIRE(view.before("modbus-channel", "c").has_value());
    view.erase("modbus-channel", "c");
    const auto after = follow_bonds(view, 77);
    REQUIRE(after.has_value());
    CHECK(after->deleted == std::set<std::string>{"modbus-point/p1", "modbus-point/p2"});
    CHECK(after->unbound.size() == 3);
    CHECK(Plant::bindings(view, "d1").is_null());
    RuleContext rules{view, "node"};
    rules.taken_along = after->deleted;
    REQUIRE(check_rules(rules, view.changes()).has_value());
    CHECK(rules.problems.empty());
    json::object answer;
    after->add_to(answer);
    CHECK(answer.at("alsoDeleted").as_array().size() == 2);
    CHECK(answer.at("unbound").as_array().size() == 3);
    // One transaction: nothing refers to what is gone.
    REQUIRE(plant.store.commit(view.transaction()).has_value());
    CHECK(View(plant.store).users_of("modbus-point", "p1", 10)->empty());
    CHECK(View(plant.store).users_of("modbus-channel", "c", 10)->empty());
  }

  TEST_CASE("a device that is bound to all points of a channel is changed once when the channel goes") {
    Plant plant;
    constexpr int kPoints = 10'000;
    View made(plant.store);
    const auto put = [&](const char* kind, const json::object& document) {
      Resource r = bond_resource(kind, json::serialize(document));
      REQUIRE(made.before(r.kind, r.id).has_value());
      made.put(std::move(r));
    };
    json::array bindings;
    for (int i = 0; i < kPoints; ++i) {
      const std::string id = "a-point-with-a-long-name-" + std::to_string(i);
      put("modbus-point",
          {{"id", id}, {"spec", json::object{{"channelId", "c"}, {"address", i + 10}, {"type", "int16"}}}});
      bindings.push_back(json::object{{"property", "p" + std::to_string(i)}, {"point", id}});
    }
    put("device", {{"id", "huge"}, {"spec", json::object{{"productId", "prod"}, {"bindings", std::move(bindings)}}}});
    REQUIRE(plant.store.commit(made.transaction()).has_value());

    View view(plant.store);
    REQUIRE(view.before("modbus-channel", "c").has_value());
    view.erase("modbus-channel", "c");
    const auto begin = std::chrono::steady_clock::now();
    const auto after = follow_bonds(view, 77);
    REQUIRE(after.has_value());
    CHECK(after->deleted.contains("modbus-point/a-point-with-a-long-name-9999"));
    CHECK(after->unbound.size() == kPoints + 3);
    CHECK(Plant::bindings(view, "huge").is_null());
    // Changed for each of its points it would take minutes.
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
  }

  TEST_CASE("a property that leaves the thing model is bound no more, unless the device has it itself") {
    Plant plant;
    View view(plant.store);
    Resource own = **view.get("device", "d2");
    own.spec["deriveMetadata"] = json::parse(things("a"));
    view.put(own);
    Resource product = **view.get("product", "prod");
    product.spec["metadata"] = json::parse(things("b"));
    view.put(product);
    const auto after = follow_bonds(view, 77);
    REQUIRE(after.has_value());
    CHECK(after->unbound == json::parse(R"([{"resource":"device/d1","property":"a","point":"p1"}])"));
    CHECK(Plant::bindings(view, "d1") == json::parse(R"([{"property":"b","point":"p2"}])"));
    CHECK(Plant::bindings(view, "d2").as_array().size() == 1);
  }

  TEST_CASE("changes that delete nothing change nothing else") {
    Plant plant;
    View view(plant.store);
    Resource product = **view.get("product", "prod");
    product.spec["metadata"] = json::parse(things("abc"));
    view.put(product);
    const auto after = follow_bonds(view, 77);
    REQUIRE(after.has_value());
    CHECK(after->unbound.empty());
    CHECK(view.changes().size() == 1);
  }

  TEST_CASE("two points that show the same value of the same unit are one too many [operations 2.2]") {
    Plant plant;
    View view(plant.store);
    const auto problems_of = [&](const char* text) {
      View fresh(plant.store);
      Resource r = bond_resource("modbus-point", text);
      REQUIRE(fresh.before(r.kind, r.id).has_value());
      fresh.put(std::move(r));
      RuleContext rules{fresh, "node"};
      REQUIRE(check_rules(rules, fresh.changes()).has_value());
      return rules.problems;
    };
    CHECK(problems_of(R"({"id":"p9","spec":{"channelId":"c","address":"3"}})").empty());
    CHECK(problems_of(R"({"id":"p9","spec":{"channelId":"c","address":"1","function":"input"}})").empty());
    CHECK(problems_of(R"({"id":"p9","spec":{"channelId":"c","address":"1","type":"int16"}})").empty());
    const auto same = problems_of(R"({"id":"p9","spec":{"channelId":"c","address":"40002"}})");
    REQUIRE(same.size() == 1);
    CHECK(same[0].code == Errc::conflict);
    CHECK(same[0].message.find("p1") != std::string::npos);
    const auto lost = problems_of(R"({"id":"p9","spec":{"channelId":"nowhere","address":"1"}})");
    REQUIRE(lost.size() == 1);
    CHECK(lost[0].field == "spec.channelId");
  }

  TEST_CASE("a serial line belongs to one enabled channel") {
    Plant plant;
    View view(plant.store);
    const auto put = [&](const char* text) {
      Resource r = bond_resource("modbus-channel", text);
      REQUIRE(view.before(r.kind, r.id).has_value());
      view.put(std::move(r));
    };
    put(R"({"id":"s1","spec":{"transport":"rtu","device":"/dev/ttyS0"}})");
    put(R"({"id":"s2","enabled":false,"spec":{"transport":"rtu","device":"/dev/ttyS0"}})");
    RuleContext fine{view, "node"};
    REQUIRE(check_rules(fine, view.changes()).has_value());
    CHECK(fine.problems.empty());
    put(R"({"id":"s2","spec":{"transport":"rtu","device":"/dev/ttyS0"}})");
    RuleContext both{view, "node"};
    REQUIRE(check_rules(both, view.changes()).has_value());
    REQUIRE_FALSE(both.problems.empty());
    CHECK(both.problems[0].code == Errc::in_use);
    CHECK(both.problems[0].field == "spec.device");
  }
}

}  // namespace jl::services
