// Devices behind a gateway device (wire.md 2.5, access.md 5.1).
#include "tests/integration/device.hpp"
#include "tests/integration/house.hpp"

#include <fmt/format.h>

namespace jl::test {
namespace {

// "hub" carries "c1"; "c2" belongs to nobody.
struct Family {
  Family() {
    house.provision();
    const Reply reply = house.apply(join_documents(
        {R"({"kind": "product", "id": "node", "enabled": true, "spec": {"accessId": "gw", "deviceType": "childrenDevice", "metadata": {"properties": [{"id": "temp", "name": "t", "valueType": {"type": "double"}}]}}})",
         device_manifest("hub", "sensor"), device_manifest("c1", "node", R"(,"parentId":"hub")"),
         R"({"kind": "device", "id": "c2", "enabled": true, "spec": {"productId": "node"}})"}));
    REQUIRE_MESSAGE(reply.status == 200, json::serialize(reply.body));
    hub = std::make_unique<Device>(house.port, "hub");
  }
  void report(const std::string& child) const {
    hub->publish("child/" + child + "/properties/report", R"({"properties":{"temp":4}})");
  }
  // Registration is a change of resources: it comes a moment after its acknowledgement.
  [[nodiscard]] bool comes_online(const std::string& child) const {
    return eventually([&] { return house.state_of(child) == "online"; });
  }
  House house;
  std::unique_ptr<Device> hub;
};

}  // namespace

TEST_CASE("a child's report opens its session and is kept under the child [wire 2.5]") {
  Family f;
  CHECK(f.house.state_of("c1") == "offline");
  f.report("c1");
  const Reply state = f.house.call("GET", "/v1/devices/c1/state");
  CHECK(state.text("state") == "online");
  CHECK(state.text("parent") == "hub");
  CHECK(state.at("properties.temp.value") == json::value(4));
  CHECK(f.house.history("c1") == std::vector<std::string>{"ONLINE", "REPORT_PROPERTY"});
  CHECK(f.house.history("hub") == std::vector<std::string>{"ONLINE"});
}

TEST_CASE("a gateway device cannot speak for a child that is not its own [wire 2.2]") {
  Family f;
  f.report("c2");
  f.report("d1");
  f.report("stranger");
  for (const char* const id : {"c2", "d1"}) {
    CAPTURE(id);
    CHECK(f.house.state_of(id) == "offline");
    CHECK(f.house.history(id).empty());
  }
  CHECK(f.house.call("GET", "/v1/gateways/gw").number("status.counters.refused") == 3);
}

TEST_CASE("child OFFLINE ends its session, ONLINE opens it without being stored twice [access 5.1 7]") {
  Family f;
  f.hub->publish("child/c1/online", "{}");
  CHECK(f.house.state_of("c1") == "online");
  f.hub->publish("child/c1/offline", "{}");
  CHECK(f.house.state_of("c1") == "offline");
  CHECK(f.house.history("c1") == std::vector<std::string>{"ONLINE", "OFFLINE"});
}

TEST_CASE("failed replies, state checks and disconnects of a child open no session [access 5.1 7]") {
  Family f;
  f.hub->publish("child-reply/c1/properties/read/reply", R"({"messageId":"1","success":false})");
  f.hub->publish("child-reply/c1/state-check/reply", R"({"messageId":"2","state":1})");
  f.hub->publish("child-reply/c1/disconnect/reply", R"({"messageId":"3"})");
  f.hub->publish("child/c1/event/e", R"({"data":1,"headers":{"ignoreSession":true}})");
  CHECK(f.house.state_of("c1") == "offline");
  f.hub->publish("child-reply/c1/properties/read/reply", R"({"messageId":"4","properties":{"temp":1}})");
  CHECK(f.house.state_of("c1") == "online");
}

TEST_CASE("when the gateway device goes, its children go with it [access 5.1 7]") {
  Family f;
  f.report("c1");
  CHECK(f.house.call("GET", "/v1/status").number("sessions") == 2);
  f.hub->vanish();
  CHECK(eventually([&] { return f.house.call("GET", "/v1/status").number("sessions") == 0; }));
  CHECK(f.house.state_of("c1") == "offline");
  CHECK(eventually([&] { return f.house.history("c1").back() == "OFFLINE"; }));
}

TEST_CASE("an unknown child registers itself with productId and deviceName [access 5.1]") {
  Family f;
  f.hub->publish(
      "child/new-1/register",
      R"({"headers":{"productId":"node","deviceName":"Node one","configuration":{"secureKey":"canary-k","other":"x"}}})");
  REQUIRE(f.comes_online("new-1"));
  const Reply shown = f.house.call("GET", "/v1/devices/new-1");
  CHECK(shown.text("name") == "Node one");
  CHECK(shown.text("spec.productId") == "node");
  CHECK(shown.text("spec.parentId") == "hub");
  CHECK(shown.at("enabled") == json::value(true));
  CHECK(shown.text("spec.configuration.secureKey").starts_with("sealed:"));
  CHECK(shown.at("spec.configuration.other").is_null());  // the protocol asks for no such key
  // Neither history nor anything else tells the key.
  CHECK(json::serialize(f.house.call("GET", "/v1/devices/new-1/messages").body).find("canary-k") == std::string::npos);
}

TEST_CASE("a child that manages its own state starts offline [access 5.1]") {
  Family f;
  f.hub->publish("child/new-1/register",
                 R"({"headers":{"productId":"node","deviceName":"n","configuration":{"selfManageState":true}}})");
  REQUIRE(eventually([&] { return f.house.call("HEAD", "/v1/devices/new-1").status == 200; }));
  CHECK(f.house.call("GET", "/v1/devices/new-1").at("spec.selfManageState") == json::value(true));
  CHECK(f.house.state_of("new-1") == "offline");
}

TEST_CASE("a registration without product or name, of a bad product, or of itself creates nothing [access 5.1]") {
  Family f;
  f.hub->publish("child/bad-1/register", R"({"headers":{"productId":"node"}})");
  f.hub->publish("child/bad-2/register", R"({"headers":{"deviceName":"n"}})");
  f.hub->publish("child/bad-3/register", R"({"headers":{"productId":"nothing","deviceName":"n"}})");
  f.hub->publish("child/hub/register", R"({"headers":{"productId":"node","deviceName":"n"}})");
  // Changes go in order: when this one is there, the others have been decided.
  f.hub->publish("child/good/register", R"({"headers":{"productId":"node","deviceName":"n"}})");
  REQUIRE(f.comes_online("good"));
  for (const char* const id : {"bad-1", "bad-2", "bad-3"})
    CHECK(f.house.call("HEAD", std::string("/v1/devices/") + id).status == 404);
  CHECK(f.house.call("GET", "/v1/devices/hub").text("spec.parentId").empty());
}

TEST_CASE("registering a known child binds it to the one that registers it [access 5.1]") {
  Family f;
  f.hub->publish("child/c2/register", R"({"headers":{"deviceName":"Mine"}})");
  REQUIRE(f.comes_online("c2"));
  const Reply shown = f.house.call("GET", "/v1/devices/c2");
  CHECK(shown.text("spec.parentId") == "hub");
  CHECK(shown.text("name") == "Mine");
  CHECK(shown.text("spec.productId") == "node");
}

TEST_CASE("a device with credentials of its own cannot be claimed by whoever names its id [access 5.1]") {
  Family f;
  f.hub->publish("child/d1/register", R"({"headers":{"deviceName":"Mine","configuration":{"secureKey":"mine"}}})");
  f.hub->publish("child/c2/register", R"({"headers":{"deviceName":"Mine"}})");
  REQUIRE(f.comes_online("c2"));
  CHECK(f.house.call("GET", "/v1/devices/d1").text("spec.parentId").empty());
  CHECK(f.house.call("GET", "/v1/devices/d1").text("name") == "d1");
  CHECK(Device::try_connect(f.house.port, Login("d1")) == 0);
}

TEST_CASE("unregistering a child unbinds it and ends its session [wire 2.5]") {
  Family f;
  f.report("c1");
  f.hub->publish("child/c1/unregister", "{}");
  CHECK(f.house.state_of("c1") == "offline");
  CHECK(eventually([&] { return f.house.call("GET", "/v1/devices/c1").text("spec.parentId").empty(); }));
  f.report("c1");
  CHECK(f.house.state_of("c1") == "offline");
}

TEST_CASE("a child that is disabled or moved while it had no session is not believed any more") {
  Family f;
  f.hub->publish("child/c1/event/e", R"({"data":1,"headers":{"ignoreSession":true}})");
  CHECK(f.house.history("c1").size() == 1);
  SUBCASE("disabled") { REQUIRE(f.house.call("POST", "/v1/devices/c1/disable").status == 200); }
  SUBCASE("moved") { REQUIRE(f.house.call("PATCH", "/v1/devices/c1", R"({"spec":{"parentId":"d1"}})").status == 200); }
  SUBCASE("deleted") {
    REQUIRE(f.house.call("POST", "/v1/devices/c1/disable").status == 200);
    REQUIRE(f.house.call("DELETE", "/v1/devices/c1").status == 200);
  }
  f.report("c1");
  CHECK(f.house.call("GET", "/v1/status").number("sessions") == 1);
  CHECK(f.house.call("GET", "/v1/gateways/gw").number("status.counters.refused") == 1);
}

TEST_CASE("disabling or moving a child ends its session and leaves its gateway device connected") {
  Family f;
  f.report("c1");
  SUBCASE("disabled") { CHECK(f.house.call("POST", "/v1/devices/c1/disable").number("disconnected") == 1); }
  SUBCASE("moved") {
    CHECK(f.house.call("PATCH", "/v1/devices/c1", R"({"spec":{"parentId":"d1"}})").number("disconnected") == 1);
  }
  SUBCASE("its product is disabled") {
    CHECK(f.house.call("POST", "/v1/products/node/disable").number("disconnected") == 1);
  }
  SUBCASE("disconnected") { CHECK(f.house.call("POST", "/v1/devices/c1/disconnect").text("result") == "updated"); }
  CHECK(eventually([&] { return f.house.call("GET", "/v1/status").number("sessions") == 1; }));
  CHECK(f.house.state_of("hub") == "online");
}

TEST_CASE("a command to a child goes wrapped through its gateway device, and either topic answers it [wire 2.5]") {
  Family f;
  Ctl ctl = f.house.ctl();
  for (const char* const way : {"child-reply", "child"}) {
    CAPTURE(way);
    ctl.send("POST", "/v1/devices/c1/read", R"({"properties":["temp"]})");
    const Down down = f.hub->receive();
    CHECK(down.topic == "/sensor/hub/child/c1/properties/read");
    CHECK(down.payload.at("deviceId") == json::value("c1"));
    f.hub->publish(
        fmt::format("{}/c1/properties/read/reply", way),
        fmt::format(R"({{"messageId":{},"properties":{{"temp":5}}}})", json::serialize(down.payload.at("messageId"))));
    const Reply reply = ctl.answer();
    CHECK(reply.at("properties.temp") == json::value(5));
    CHECK(reply.text("deviceId") == "c1");
  }
  CHECK(f.house.state_of("c1") == "online");
}

TEST_CASE("a child without a connected ancestor is offline for commands [access 5.7]") {
  Family f;
  f.hub->leave();
  CHECK(eventually([&] { return f.house.state_of("hub") == "offline"; }));
  CHECK(f.house.call("POST", "/v1/devices/c1/read", R"({"properties":["temp"]})").code() == "CLIENT_OFFLINE");
  CHECK(f.house.call("POST", "/v1/devices/c2/read", R"({"properties":["temp"]})").code() == "CLIENT_OFFLINE");
}

TEST_CASE("children of children are reached and heard through the same connection [wire 2.5 nesting]") {
  Family f;
  REQUIRE(f.house.apply(join_documents({device_manifest("leaf", "node", R"(,"parentId":"c1")")})).status == 200);
  f.hub->publish("child/c1/child/leaf/properties/report", R"({"properties":{"temp":6}})");
  CHECK(f.house.state_of("leaf") == "online");
  Ctl ctl = f.house.ctl();
  ctl.send("POST", "/v1/devices/leaf/read", R"({"properties":["temp"]})");
  const Down down = f.hub->receive();
  CHECK(down.topic == "/sensor/hub/child/c1/child/leaf/properties/read");
  f.hub->publish(
      "child-reply/c1/child-reply/leaf/properties/read/reply",
      fmt::format(R"({{"messageId":{},"properties":{{"temp":6}}}})", json::serialize(down.payload.at("messageId"))));
  CHECK(ctl.answer().at("properties.temp") == json::value(6));
  // A leaf of another child is refused.
  f.hub->publish("child/c1/child/c2/properties/report", R"({"properties":{"temp":6}})");
  CHECK(f.house.state_of("c2") == "offline");
}

TEST_CASE("a child's derived metadata becomes its own thing model [wire 2.3 metadata/derived]") {
  Family f;
  f.hub->publish(
      "child/c1/metadata/derived",
      R"({"metadata":"{\"properties\":[{\"id\":\"own\",\"name\":\"x\",\"valueType\":{\"type\":\"int\"}}]}","all":true})");
  CHECK(eventually(
      [&] { return f.house.call("GET", "/v1/devices/c1").text("spec.deriveMetadata.properties.0.id") == "own"; }));
}

TEST_CASE("disabling a gateway device counts and cuts its children too") {
  Family f;
  f.report("c1");
  CHECK(f.house.call("GET", "/v1/devices/hub/impact").number("sessions") == 2);
  CHECK(f.house.call("POST", "/v1/devices/hub/disable?maxDisconnect=1").code() == "disconnect_limit");
  CHECK(f.house.call("POST", "/v1/devices/hub/disable?maxDisconnect=2").number("disconnected") == 2);
  CHECK(f.hub->is_ended());
  CHECK(f.house.call("GET", "/v1/status").number("sessions") == 0);
}

}  // namespace jl::test
