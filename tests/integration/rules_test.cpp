// What may and may not be done to resources that depend on each other (access.md 2, 3.4, 6; network.md 4.4).
#include "tests/integration/device.hpp"
#include "tests/integration/house.hpp"

#include <fmt/format.h>

namespace jl::test {

TEST_CASE("what is enabled is not deleted [access 2, network 4.3]") {
  House house;
  house.provision();
  for (const char* const path :
       {"networks/net", "protocols/official", "gateways/gw", "products/sensor", "devices/d1"}) {
    CAPTURE(path);
    CHECK(house.call("DELETE", std::string("/v1/") + path).code() == "enabled");
    CHECK(house.call("HEAD", std::string("/v1/") + path).status == 200);
  }
}

TEST_CASE("what is in use is not deleted, and the users are named [access 2, network 4.4]") {
  House house;
  house.provision();
  REQUIRE(house.call("PATCH", "/v1/devices/d2", R"({"spec":{"parentId":"d1"}})").status == 200);
  struct Row {
    const char *path, *user;
  };
  const Row rows[] = {{"networks/net", "gateway/gw"},
                      {"gateways/gw", "product/sensor"},
                      {"products/sensor", "device/d1"},
                      {"devices/d1", "device/d2"}};
  for (const Row& row : rows) {
    CAPTURE(row.path);
    const std::string target = std::string("/v1/") + row.path;
    REQUIRE(house.call("POST", target + "/disable").status == 200);
    const Reply reply = house.call("DELETE", target);
    CHECK(reply.code() == "in_use");
    CHECK(json::serialize(reply.body).find(row.user) != std::string::npos);
    CHECK(json::serialize(house.call("GET", target + "/impact").at("usedBy")).find(row.user) != std::string::npos);
  }
  REQUIRE(house.call("POST", "/v1/gateways/gw/disable").status == 200);
  REQUIRE(house.call("POST", "/v1/protocols/official/disable?force=true").status == 200);
  CHECK(house.call("DELETE", "/v1/protocols/official").code() == "in_use");
  // From the top of the tree down everything goes.
  REQUIRE(house.call("POST", "/v1/devices/d2/disable").status == 200);
  for (const char* const path :
       {"devices/d2", "devices/d1", "products/sensor", "gateways/gw", "networks/net", "protocols/official"}) {
    CAPTURE(path);
    CHECK(house.call("DELETE", std::string("/v1/") + path).text("result") == "deleted");
  }
}

TEST_CASE("a protocol that a gateway refers to is not disabled, unless forced with its gateways [access 3.4]") {
  House house;
  house.provision();
  const Reply refused = house.call("POST", "/v1/protocols/official/disable");
  CHECK(refused.code() == "in_use");
  CHECK(json::serialize(refused.body).find("gateway/gw") != std::string::npos);
  // Whatever the gateway's own state.
  REQUIRE(house.call("POST", "/v1/gateways/gw/disable").status == 200);
  CHECK(house.call("POST", "/v1/protocols/official/disable").code() == "in_use");
  REQUIRE(house.call("POST", "/v1/gateways/gw/enable").status == 200);

  Device device(house.port, "d1");
  CHECK(house.call("POST", "/v1/protocols/official/disable?force=true").number("disconnected") == 1);
  CHECK(device.is_ended());
  CHECK(house.call("GET", "/v1/gateways/gw").at("enabled") == json::value(false));
  const Reply again = house.call("POST", "/v1/gateways/gw/enable");
  CHECK(again.code() == "disabled");
  CHECK(again.text("field") == "spec.protocol");
}

TEST_CASE("a gateway's provider and a network's type never change [access 2]") {
  House house;
  house.provision();
  CHECK(house.call("PATCH", "/v1/gateways/gw", R"({"spec":{"provider":"other"}})").status == 422);
  CHECK(house.call("PATCH", "/v1/devices/d1", R"({"spec":{"productId":"other"}})").code() == "immutable_field");
  CHECK(house.call("PATCH", "/v1/devices/d1", R"({"id":"other"})").code() == "immutable_field");
}

TEST_CASE("a gateway's protocol is fixed once a product uses it, its component is not [access 2]") {
  House house;
  house.provision();
  REQUIRE(house
              .apply(R"([{"kind":"protocol","id":"second","spec":{}},
    {"kind":"gateway","id":"spare","enabled":false,"spec":{"provider":"mqtt-server-gateway","channelId":"net","protocol":"official"}}])")
              .status == 200);
  CHECK(house.call("PATCH", "/v1/gateways/spare", R"({"spec":{"protocol":"second"}})").text("result") == "updated");
  const Reply refused = house.call("PATCH", "/v1/gateways/gw", R"({"spec":{"protocol":"second"}})");
  CHECK(refused.code() == "in_use");
  CHECK(refused.text("field") == "spec.protocol");
  REQUIRE(house.apply(join_documents({network_manifest("net2", free_port(), R"(,"enabled":false)")})).status == 200);
  Device device(house.port, "d1");
  CHECK(house.call("PATCH", "/v1/gateways/gw", R"({"spec":{"channelId":"net2"}})").number("disconnected") == 1);
  CHECK(device.is_ended());
  CHECK(house.call("GET", "/v1/gateways/gw").text("status.state") == "waiting");
  CHECK(Device::try_connect(house.port, Login("d1")) == 3);
}

TEST_CASE("a product with devices keeps its gateway; without any it may change while disabled [access 2]") {
  House house;
  house.provision();
  REQUIRE(
      house
          .apply(
              R"([{"kind":"gateway","id":"gw2","spec":{"provider":"mqtt-server-gateway","channelId":"net","protocol":"official"}},
    {"kind":"product","id":"empty","enabled":true,"spec":{"accessId":"gw"}}])")
          .status == 200);
  const char* const move = R"({"spec":{"accessId":"gw2"}})";
  CHECK(house.call("PATCH", "/v1/products/sensor", move).code() == "in_use");
  CHECK(house.call("PATCH", "/v1/products/empty", move).code() == "enabled");
  REQUIRE(house.call("POST", "/v1/products/empty/disable").status == 200);
  CHECK(house.call("PATCH", "/v1/products/empty", move).text("result") == "updated");
}

TEST_CASE("a product is not enabled without a gateway [access 6]") {
  House house;
  REQUIRE(house.call("POST", "/v1/products", R"({"id":"p","spec":{}})").status == 201);
  const Reply refused = house.call("POST", "/v1/products/p/enable");
  CHECK(refused.status == 422);
  CHECK(refused.text("field") == "spec.accessId");
}

TEST_CASE("a device is not its own ancestor [access 6]") {
  House house;
  house.provision();
  const auto parent = [&](const char* of, const char* is) {
    return house.call("PATCH", fmt::format("/v1/devices/{}", of), fmt::format(R"({{"spec":{{"parentId":"{}"}}}})", is));
  };
  CHECK(parent("d1", "d1").code() == "CYCLIC_DEPENDENCE");
  CHECK(parent("d2", "d1").status == 200);
  CHECK(parent("d1", "d2").code() == "CYCLIC_DEPENDENCE");
  // Also when both ends come in one apply.
  const Reply both = house.apply(join_documents(
      {device_manifest("x", "sensor", R"(,"parentId":"y")"), device_manifest("y", "sensor", R"(,"parentId":"x")")}));
  CHECK(both.code() == "CYCLIC_DEPENDENCE");
  CHECK(both.problems().size() == 2);
}

TEST_CASE("references lead somewhere [access 2]") {
  House house;
  struct Row {
    const char *path, *body, *field;
  };
  const Row rows[] = {
      {"gateways", R"({"id":"g","spec":{"provider":"mqtt-server-gateway","channelId":"nothing","protocol":"none"}})",
       "spec.channelId"},
      {"products", R"({"id":"p","spec":{"accessId":"nothing"}})", "spec.accessId"},
      {"devices", R"({"id":"d","spec":{"productId":"nothing"}})", "spec.productId"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.path);
    const Reply reply = house.call("POST", std::string("/v1/") + row.path, row.body);
    CHECK(reply.status == 422);
    CHECK(reply.text("field") == row.field);
  }
  CHECK(house.revision() == 0);
}

TEST_CASE("configuration keys are those that the protocol asks for [access 4.5]") {
  House house;
  house.provision();
  const Reply unknown = house.call("PATCH", "/v1/devices/d1", R"({"spec":{"configuration":{"secureKye":"x"}}})");
  CHECK(unknown.code() == "unknown_field");
  CHECK(unknown.text("field") == "spec.configuration.secureKye");
  CHECK(json::serialize(unknown.body).find("secureKey") != std::string::npos);
  CHECK(house.call("PATCH", "/v1/devices/d1", R"({"spec":{"configuration":{"secureType":"rot13"}}})").text("field") ==
        "spec.configuration.secureType");
  CHECK(house.call("PATCH", "/v1/devices/d1", R"({"spec":{"configuration":{"secureType":"md5"}}})").status == 200);
}

TEST_CASE("add of an existing id is already_exists; if-not-exists compares the specification, secrets included") {
  House house;
  house.provision();
  const auto add = [&](const char* key, const char* query) {
    return house.call(
        "POST", std::string("/v1/devices") + query,
        fmt::format(
            R"({{"id":"d1","enabled":true,"spec":{{"productId":"sensor","configuration":{{"secureId":"d1","secureKey":"{}"}}}}}})",
            key));
  };
  const std::int64_t before = house.revision();
  CHECK(add("key-d1", "").code() == "already_exists");
  const Reply same = add("key-d1", "?ifNotExists");
  CHECK(same.status == 200);
  CHECK(same.text("result") == "unchanged");
  CHECK(add("other", "?ifNotExists").code() == "conflict");
  CHECK(house.revision() == before);
}

TEST_CASE("an id of digits is the same as a number and as a text") {
  House house;
  REQUIRE(house.call("POST", "/v1/products", R"({"id":7,"spec":{}})").status == 201);
  CHECK(house.call("POST", "/v1/products", R"({"id":7,"name":"other","spec":{}})").code() == "already_exists");
  CHECK(house.call("POST", "/v1/products", R"({"id":"7","spec":{}})").code() == "already_exists");
  CHECK(house.call("GET", "/v1/products/7").text("name") == "7");
}

TEST_CASE("a deletion takes messages, values and state along; a new device of the id starts empty") {
  House house;
  house.provision();
  {
    Device device(house.port, "d1");
    device.publish("properties/report", R"({"properties":{"temp":1}})");
  }
  CHECK(eventually([&] { return house.history("d1").size() == 3; }));
  REQUIRE(house.call("POST", "/v1/devices/d1/disable").status == 200);
  REQUIRE(house.call("DELETE", "/v1/devices/d1").status == 200);
  REQUIRE(house.apply(join_documents({device_manifest("d1", "sensor")})).status == 200);
  CHECK(house.history("d1").empty());
  const Reply state = house.call("GET", "/v1/devices/d1/state");
  CHECK(state.at("properties") == json::value(json::object()));
  CHECK(state.at("since").is_null());
}

TEST_CASE("a connected device that prune deletes leaves nothing behind") {
  House house;
  house.provision();
  REQUIRE(house.apply(join_documents({device_manifest("p1", "sensor")}), "?set=s").status == 200);
  Device device(house.port, "p1");
  const Reply pruned = house.apply("[]", "?set=s&prune=true");
  CHECK(pruned.number("summary.deleted") == 1);
  CHECK(pruned.number("disconnected") == 1);
  CHECK(device.is_ended());
  REQUIRE(house.apply(join_documents({device_manifest("p1", "sensor")})).status == 200);
  CHECK(house.history("p1").empty());
  CHECK(house.call("GET", "/v1/devices/p1/state").at("since").is_null());
}

}  // namespace jl::test
