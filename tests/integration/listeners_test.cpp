// Ports, listeners and what a change of them does to those who are connected (network.md 3, 4).
#include "tests/integration/device.hpp"
#include "tests/integration/house.hpp"

#include <fmt/format.h>

namespace jl::test {
namespace {

std::string add_body(std::string_view id, std::uint16_t port, std::string_view host = "127.0.0.1") {
  return fmt::format(R"({{"id":"{}","spec":{{"type":"MQTT_SERVER","configuration":{{"host":"{}","port":{}}}}}}})", id,
                     host, port);
}
std::string port_patch(std::uint16_t port) {
  return fmt::format(R"({{"spec":{{"configuration":{{"port":{}}}}}}})", port);
}

}  // namespace

TEST_CASE("two enabled components do not share a port, on equal hosts or with a wildcard [network 4.5]") {
  House house;
  house.provision();
  for (const char* const host : {"127.0.0.1", "0.0.0.0", "::"}) {
    CAPTURE(host);
    const Reply reply = house.call("POST", "/v1/networks", add_body("second", house.port, host));
    CHECK(reply.code() == "address_in_use");
    CHECK(reply.text("field") == "spec.configuration.port");
    CHECK(json::serialize(reply.body).find("\\\"net\\\"") != std::string::npos);
  }
  // Another address of the machine is another matter, and so is one that is disabled.
  CHECK(house.call("POST", "/v1/networks", add_body("third", house.port, "127.0.0.2")).status == 201);
  CHECK(house.call("POST", "/v1/networks/third/disable").status == 200);
  CHECK(house.apply(join_documents({network_manifest("fourth", house.port, R"(,"enabled":false)")})).status == 200);
  CHECK(house.call("POST", "/v1/networks/fourth/enable").code() == "address_in_use");
}

TEST_CASE("a component is enabled only when it runs: a port in foreign hands changes nothing [network 4.5 3]") {
  House house;
  const ForeignListener foreign;
  const std::int64_t before = house.revision();
  const Reply refused = house.call("POST", "/v1/networks", add_body("net", foreign.port()));
  CHECK(refused.code() == "address_in_use");
  CHECK(house.revision() == before);
  CHECK(house.call("HEAD", "/v1/networks/net").status == 404);

  // The same for a component that is there, and for an edit of one that runs.
  REQUIRE(house.apply(join_documents({network_manifest("net", foreign.port(), R"(,"enabled":false)")})).status == 200);
  CHECK(house.call("POST", "/v1/networks/net/enable").code() == "address_in_use");
  CHECK(house.call("GET", "/v1/networks/net").at("enabled") == json::value(false));
  CHECK(house.call("GET", "/v1/networks/net").text("status.state") == "stopped");
}

TEST_CASE("an edit that cannot be bound leaves the component as it was, connections included") {
  House house;
  house.provision();
  const ForeignListener foreign;
  Device device(house.port, "d1");
  const std::int64_t before = house.revision();
  CHECK(house.call("PATCH", "/v1/networks/net", port_patch(foreign.port())).code() == "address_in_use");
  CHECK(house.revision() == before);
  CHECK(house.call("GET", "/v1/networks/net").number("spec.configuration.port") == house.port);
  CHECK(device.publish("properties/report", R"({"properties":{"temp":1}})") == 0);
  CHECK(Device::try_connect(house.port, Login("d2")) == 0);
}

TEST_CASE("names, descriptions and limits change without a connection being dropped [network 4.3]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  const Reply edited = house.call(
      "PATCH", "/v1/networks/net",
      R"({"name":"Front door","description":"x","spec":{"configuration":{"publicHost":"iot.example","maxMessageSize":4096}}})");
  CHECK(edited.text("result") == "updated");
  CHECK(edited.at("disconnected").is_null());
  for (const char* const path : {"gateways/gw", "products/sensor", "devices/d1"}) {
    CHECK(house.call("PATCH", std::string("/v1/") + path, R"({"name":"Other"})").text("result") == "updated");
  }
  CHECK(device.publish("properties/report", R"({"properties":{"temp":1}})") == 0);
  CHECK(house.history("d1") == std::vector<std::string>{"ONLINE", "REPORT_PROPERTY"});
}

TEST_CASE("an edit of the port moves the listener and cuts who was connected") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  Reply moved;
  std::uint16_t port = 0;
  for (int attempt = 0; attempt < 20; ++attempt) {
    port = free_port();
    moved = house.call("PATCH", "/v1/networks/net", port_patch(port));
    if (moved.code() != "address_in_use") break;
  }
  CHECK(moved.number("disconnected") == 1);
  CHECK(moved.number("data.status.port") == port);
  CHECK(device.is_ended());
  CHECK_FALSE(network::test::MqttClient().open(house.port));
  CHECK(Device::try_connect(port, Login("d1")) == 0);
}

TEST_CASE("two components swap their ports in one apply") {
  House house;
  house.provision();
  std::uint16_t other = 0;
  Reply reply;
  for (int attempt = 0; attempt < 20; ++attempt) {
    other = free_port();
    reply = house.apply(join_documents({network_manifest("net2", other)}));
    if (reply.code() != "address_in_use") break;
  }
  REQUIRE(reply.status == 200);
  Device device(house.port, "d1");
  reply = house.apply(join_documents({network_manifest("net", other), network_manifest("net2", house.port)}));
  CHECK_MESSAGE(reply.status == 200, json::serialize(reply.body));
  CHECK(reply.number("disconnected") == 1);
  CHECK(device.is_ended());
  CHECK(house.call("GET", "/v1/networks/net").number("status.port") == other);
  CHECK(house.call("GET", "/v1/networks/net2").number("status.port") == house.port);
  CHECK(Device::try_connect(other, Login("d1")) == 0);
  CHECK(Device::try_connect(house.port, Login("d1")) == 3);  // no gateway there
}

TEST_CASE("a swap that fails half way puts both listeners back") {
  House house;
  house.provision();
  const ForeignListener foreign;
  std::uint16_t other = 0;
  Reply reply;
  for (int attempt = 0; attempt < 20; ++attempt) {
    other = free_port();
    reply = house.apply(join_documents({network_manifest("net2", other)}));
    if (reply.code() != "address_in_use") break;
  }
  const std::int64_t before = house.revision();
  reply = house.apply(join_documents({network_manifest("net", other), network_manifest("net2", foreign.port())}));
  CHECK(reply.code() == "address_in_use");
  CHECK(house.revision() == before);
  CHECK(house.call("GET", "/v1/networks/net").number("status.port") == house.port);
  CHECK(house.call("GET", "/v1/networks/net2").number("status.port") == other);
  CHECK(Device::try_connect(house.port, Login("d1")) == 0);
}

TEST_CASE("with shareCluster false a node runs the entry that bears its id, or nothing [network 3]") {
  House house;
  const std::uint16_t port = free_port();
  const auto body = [&](const char* node) {
    return fmt::format(
        R"({{"id":"{0}","spec":{{"type":"MQTT_SERVER","shareCluster":false,"configuration":{{"port":1}},"cluster":[{{"serverId":"{0}","configuration":{{"host":"127.0.0.1","port":{1}}}}}]}}}})",
        node, port);
  };
  CHECK(house.call("POST", "/v1/networks", body("node-b")).status == 201);
  const Reply elsewhere = house.call("GET", "/v1/networks/node-b");
  CHECK(elsewhere.text("status.state") == "stopped");
  CHECK(elsewhere.text("status.reason").find("node-a") != std::string::npos);
  // The same port on another node is no conflict.
  CHECK(house.call("POST", "/v1/networks", body("node-a")).status == 201);
  CHECK(house.call("GET", "/v1/networks/node-a").number("status.port") == port);
  CHECK(Device::try_connect(port, Login("d1")) == 3);

  const Reply empty =
      house.call("POST", "/v1/networks",
                 R"({"id":"x","spec":{"type":"MQTT_SERVER","shareCluster":false,"configuration":{"port":1}}})");
  CHECK(empty.status == 422);
  CHECK(empty.text("field") == "spec.cluster");
  const Reply twice = house.call(
      "POST", "/v1/networks",
      R"({"id":"x","spec":{"type":"MQTT_SERVER","shareCluster":false,"configuration":{"port":1},"cluster":[{"serverId":"n","configuration":{"port":1}},{"serverId":"n","configuration":{"port":2}}]}})");
  CHECK(twice.problems() == std::vector<std::string>{"network/x spec.cluster[1].serverId invalid"});
}

TEST_CASE("a daemon whose port is taken at boot serves on and takes it when it is free [network 4.3 boot]") {
  House house;
  house.provision();
  house.stop();
  std::optional<ForeignListener> foreign(std::in_place, house.port);
  house.start();
  Reply shown = house.call("GET", "/v1/networks/net");
  CHECK(shown.text("status.state") == "failed");
  CHECK_FALSE(shown.text("status.reason").empty());
  CHECK(house.call("GET", "/v1/gateways/gw").text("status.state") == "waiting");
  CHECK(house.call("GET", "/v1/status").number("networks.failed") == 1);
  CHECK(house.call("GET", "/v1/status").at("failed.0.id") == json::value("net"));

  // A change of something else is not held up by it.
  CHECK(house.call("PATCH", "/v1/networks/net", R"({"name":"Front"})").text("result") == "updated");
  CHECK(house.call("GET", "/v1/networks/net").text("status.state") == "failed");
  CHECK(house.call("POST", "/v1/networks/net/enable").code() == "address_in_use");

  SUBCASE("retried with growing pauses") {
    const auto tick = [&] {
      house.app->tick();
      (void)house.call("POST", "/v1/networks/net/disable?ifRevision=1");  // refused, and behind the tick in the queue
    };
    house.clock.advance(1000);
    tick();
    CHECK(house.call("GET", "/v1/networks/net").text("status.state") == "failed");
    foreign.reset();
    house.clock.advance(1000);
    tick();
    CHECK(house.call("GET", "/v1/networks/net").text("status.state") == "failed");  // the second pause is two seconds
    house.clock.advance(1000);
    tick();
    CHECK(house.call("GET", "/v1/networks/net").text("status.state") == "running");
  }
  SUBCASE("tried at once when it is enabled again") {
    foreign.reset();
    CHECK(house.call("POST", "/v1/networks/net/enable").text("result") == "unchanged");
    CHECK(house.call("GET", "/v1/networks/net").text("status.state") == "running");
  }
  SUBCASE("moved to another port") {
    Reply moved;
    for (int attempt = 0; attempt < 20; ++attempt) {
      const std::uint16_t port = free_port();
      moved = house.call("PATCH", "/v1/networks/net", port_patch(port));
      if (moved.code() == "address_in_use") continue;
      house.port = port;
      break;
    }
    CHECK(moved.text("data.status.state") == "running");
  }
  CHECK(Device::try_connect(house.port, Login("d1")) == 0);
}

TEST_CASE("disabling a component closes its connections and enabling it attaches its gateways again [network 4.3]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  CHECK(house.call("POST", "/v1/networks/net/disable?maxDisconnect=0").code() == "disconnect_limit");
  CHECK(house.call("POST", "/v1/networks/net/disable").number("disconnected") == 1);
  CHECK(device.is_ended());
  CHECK_FALSE(network::test::MqttClient().open(house.port));
  CHECK(house.call("POST", "/v1/networks/net/enable").text("result") == "updated");
  CHECK(Device::try_connect(house.port, Login("d1")) == 0);
}

}  // namespace jl::test
