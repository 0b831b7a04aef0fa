// One device message all the way, and who may connect at all.
#include "tests/integration/device.hpp"
#include "tests/integration/house.hpp"

#include <fmt/format.h>

namespace jl::test {

TEST_CASE("a report of an authenticated device is stored, tailed and its latest value shown [access 5.1]") {
  House house;
  house.provision();
  CHECK(house.state_of("d1") == "offline");
  Ctl tail = house.ctl();
  tail.stream("GET", "/v1/messages?device=d1&limit=2");

  Device device(house.port, "d1");
  CHECK(house.state_of("d1") == "online");
  CHECK(device.publish("properties/report", R"({"properties":{"temp":21.5},"timestamp":1700000000123})") == 0);

  // QoS 1: acknowledged means in the store.
  CHECK(house.history("d1") == std::vector<std::string>{"ONLINE", "REPORT_PROPERTY"});
  const Reply state = house.call("GET", "/v1/devices/d1/state");
  CHECK(state.at("properties.temp.value") == json::value(21.5));
  CHECK(state.text("properties.temp.time") == "2023-11-14T22:13:20.123Z");
  CHECK(state.text("gateway") == "gw");
  CHECK(Reply{0, tail.line()}.text("type") == "ONLINE");
  const Reply report{0, tail.line()};
  CHECK(report.text("type") == "REPORT_PROPERTY");
  CHECK(report.text("productId") == "sensor");
  CHECK(report.at("message.properties.temp") == json::value(21.5));
  CHECK(tail.line().is_null());  // --limit 2 ends it

  const Reply messages = house.call("GET", "/v1/devices/d1/messages?type=REPORT_PROPERTY&limit=1");
  CHECK(messages.at("items.0.message.properties.temp") == json::value(21.5));
  CHECK(messages.at("items.1").is_null());
}

TEST_CASE("md5 credentials are taken within five minutes of the clock [wire 2.1]") {
  House house;
  house.provision();
  CHECK(Device::try_connect(house.port, md5_login("d1", house.clock.now())) == 0);
  CHECK(Device::try_connect(house.port, md5_login("d1", house.clock.now() - 300'000)) == 0);
  CHECK(Device::try_connect(house.port, md5_login("d1", house.clock.now() - 300'001)) == 4);
}

TEST_CASE("whoever is not an enabled device of an enabled product is refused with CONNACK 4 [access 5.2]") {
  House house;
  house.provision();
  Login wrong("d1");
  wrong.password = "nope";
  CHECK(Device::try_connect(house.port, wrong) == 4);
  wrong.version = 5;
  CHECK(Device::try_connect(house.port, wrong) == 0x86);
  CHECK(Device::try_connect(house.port, Login("stranger")) == 4);
  Login nameless("d1");
  nameless.username.clear();
  nameless.password.clear();
  CHECK(Device::try_connect(house.port, nameless) == 4);

  REQUIRE(house.call("POST", "/v1/devices/d1/disable").status == 200);
  CHECK(Device::try_connect(house.port, Login("d1")) == 4);
  CHECK(Device::try_connect(house.port, Login("d2")) == 0);
  REQUIRE(house.call("POST", "/v1/products/sensor/disable").status == 200);
  CHECK(Device::try_connect(house.port, Login("d2")) == 4);
}

TEST_CASE("without an enabled gateway the component refuses with CONNACK 3 [network 4.7]") {
  House house;
  house.provision();
  REQUIRE(house.call("POST", "/v1/gateways/gw/disable").status == 200);
  CHECK(Device::try_connect(house.port, Login("d1")) == 3);
  REQUIRE(house.call("POST", "/v1/gateways/gw/enable").status == 200);
  CHECK(Device::try_connect(house.port, Login("d1")) == 0);
}

TEST_CASE("an empty client id is refused with CONNACK 2, in MQTT 5 with 133 [access 5.2]") {
  House house;
  house.provision();
  Login nobody("d1");
  nobody.id.clear();
  CHECK(Device::try_connect(house.port, nobody) == 2);
  nobody.version = 5;
  CHECK(Device::try_connect(house.port, nobody) == 0x85);
}

TEST_CASE("a gateway with productOnly takes only devices whose product names it [access 5.1 multiGateway]") {
  House house;
  house.provision();
  // A product that belongs to another gateway on the same component.
  REQUIRE(
      house
          .apply(join_documents(
              {R"({"kind": "gateway", "id": "other", "enabled": false, "spec": {"provider": "mqtt-server-gateway", "channelId": "net", "protocol": "official"}})",
               R"({"kind": "product", "id": "foreign", "enabled": true, "spec": {"accessId": "other"}})",
               device_manifest("f1", "foreign")}))
          .status == 200);
  CHECK(Device::try_connect(house.port, Login("f1")) == 0);
  REQUIRE(house.call("PATCH", "/v1/gateways/gw", R"({"spec": {"productOnly": true}})").status == 200);
  CHECK(Device::try_connect(house.port, Login("f1")) == 4);
  CHECK(Device::try_connect(house.port, Login("d1")) == 0);
}

TEST_CASE("a second connection of a device takes over and the first is closed [access 5.2]") {
  House house;
  house.provision();
  Login login("d1");
  login.version = 5;
  Device first(house.port, login);
  Device second(house.port, login);
  CHECK(first.is_ended());
  CHECK(first.disconnect_reason() == 0x8E);
  second.publish("properties/report", R"({"properties":{"temp":1}})");
  CHECK(house.state_of("d1") == "online");
  CHECK(house.call("GET", "/v1/status").number("sessions") == 1);
}

TEST_CASE("a device is offline at once when its connection ends, however it ends [access 5.2]") {
  House house;
  house.provision();
  {
    Device device(house.port, "d1");
    device.leave();
  }
  CHECK(eventually([&] { return house.state_of("d1") == "offline"; }));
  house.clock.advance(1);  // connections live on different threads: records of one millisecond have no order
  {
    Device device(house.port, "d1");
    device.vanish();
  }
  CHECK(eventually([&] { return house.state_of("d1") == "offline"; }));
  CHECK(eventually([&] { return house.history("d1").size() == 4; }));
  CHECK(house.history("d1") == std::vector<std::string>{"ONLINE", "OFFLINE", "ONLINE", "OFFLINE"});
}

TEST_CASE("a will is published on an abnormal end only [access 5.2 will]") {
  House house;
  house.provision();
  Login login("d1");
  login.will_topic = "/sensor/d1/event/lost";
  login.will_payload = R"({"data":{"why":"power"}})";
  {
    Device device(house.port, login);
    device.leave();
  }
  CHECK(eventually([&] { return house.history("d1").size() == 2; }));
  house.clock.advance(1);
  {
    Device device(house.port, login);
    device.vanish();
  }
  CHECK(eventually([&] { return house.history("d1").size() == 5; }));
  CHECK(house.history("d1") == std::vector<std::string>{"ONLINE", "OFFLINE", "ONLINE", "EVENT", "OFFLINE"});
}

TEST_CASE("OFFLINE ends the session and the next message brings the device back on the same connection [access 5.1]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  device.publish("offline", "{}");
  CHECK(house.state_of("d1") == "offline");
  device.publish("properties/report", R"({"properties":{"temp":1}})");
  CHECK(house.state_of("d1") == "online");
  device.publish("online", "{}");
  CHECK(house.history("d1") == std::vector<std::string>{"ONLINE", "OFFLINE", "ONLINE", "REPORT_PROPERTY"});
  device.publish("online", R"({"headers":{"force":true}})");
  CHECK(house.history("d1").back() == "ONLINE");
}

TEST_CASE("keepOnline outlives the connection until its time is over, unless jlinkd itself ends it [access 5.1 6]") {
  House house;
  house.provision();
  const char* const report = R"({"properties":{"temp":1},"headers":{"keepOnline":true,"keepOnlineTimeoutSeconds":60}})";
  const auto connections = [&] { return house.call("GET", "/v1/networks/net").number("status.connections"); };
  {
    Device device(house.port, "d1");
    device.publish("properties/report", report);
    device.leave();
  }
  CHECK(eventually([&] { return connections() == 0; }));
  CHECK(house.state_of("d1") == "online");
  CHECK(house.call("POST", "/v1/devices/d1/read", R"({"properties":["temp"]})").code() == "CONNECTION_LOST");

  SUBCASE("time") {
    house.clock.advance(61'000);
    CHECK(eventually([&] { return house.state_of("d1") == "offline"; }));
    CHECK(eventually([&] { return house.history("d1").back() == "OFFLINE"; }));
  }
  SUBCASE("disconnect") {
    CHECK(house.call("POST", "/v1/devices/d1/disconnect").text("result") == "updated");
    CHECK(house.state_of("d1") == "offline");
  }
  SUBCASE("disable") {
    CHECK(house.call("POST", "/v1/devices/d1/disable").number("disconnected") == 1);
    CHECK(eventually([&] { return house.call("GET", "/v1/status").number("sessions") == 0; }));
  }
  SUBCASE("back again") {
    Device device(house.port, "d1");
    house.clock.advance(61'000);
    device.publish("properties/report", R"({"properties":{"temp":2}})");
    CHECK(house.state_of("d1") == "online");
  }
  SUBCASE("disable of a connected one") {
    Device device(house.port, "d2");
    device.publish("properties/report", report);
    CHECK(house.call("POST", "/v1/networks/net/disable").number("disconnected") == 2);
    CHECK(device.is_ended());
    CHECK(eventually([&] { return house.call("GET", "/v1/status").number("sessions") == 0; }));
  }
}

TEST_CASE("derived metadata is merged, or replaces the device's own with all [access 5.6]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  const auto derive = [&](std::string_view id, bool all) {
    device.publish(
        "metadata/derived",
        fmt::format(
            R"({{"metadata":"{{\"properties\":[{{\"id\":\"{}\",\"name\":\"x\",\"valueType\":{{\"type\":\"int\"}}}}]}}","all":{}}})",
            id, all));
  };
  const auto names = [&] {
    std::string out;
    const json::value list = house.call("GET", "/v1/devices/d1").at("spec.deriveMetadata.properties");
    if (list.is_array()) {
      for (const auto& p : list.as_array()) out += std::string(p.at("id").as_string()) + " ";
    }
    return out;
  };
  derive("own", false);
  CHECK(eventually([&] { return names() == "own "; }));
  derive("more", false);
  CHECK(eventually([&] { return names() == "own more "; }));
  derive("only", true);
  CHECK(eventually([&] { return names() == "only "; }));
  // Laid over the product's: both can be read.
  Ctl ctl = house.ctl();
  ctl.send("POST", "/v1/devices/d1/read", R"({"properties":["only","temp"]})");
  device.reply(device.receive(), R"("properties":{"only":1,"temp":2})");
  CHECK(ctl.answer().status == 200);
  CHECK(house.call("POST", "/v1/devices/d1/read", R"({"properties":["own"]})").code() == "PROPERTY_UNDEFINED");
}

TEST_CASE("time-sync is answered with the daemon's clock and leaves no message [wire 2.3]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  device.publish("time-sync", R"({"messageId":"t1"})");
  const Down down = device.receive();
  CHECK(down.topic == "/sensor/d1/time-sync/reply");
  CHECK(down.payload == json::value{{"messageId", "t1"}, {"timestamp", house.clock.now()}});
  CHECK(house.history("d1") == std::vector<std::string>{"ONLINE"});
}

TEST_CASE("what cannot be decoded is acknowledged, dropped and counted, and the device stays [wire 2.3]") {
  House house;
  house.provision();
  Login login("d1");
  login.version = 5;
  Device device(house.port, login);
  CHECK(device.publish("properties/report", "no json") == 0x99);
  CHECK(device.publish("no/such/topic", "{}") == 0);
  Device other(house.port, login, "sensor");
  CHECK(house.history("d1") == std::vector<std::string>{"ONLINE", "ONLINE"});
  CHECK(house.call("GET", "/v1/gateways/gw").number("status.counters.undecodable") == 2);
}

TEST_CASE("a topic that names another device is refused and nothing of it is kept [wire 2.2]") {
  House house;
  house.provision();
  Login login("d1");
  login.version = 5;
  Device device(house.port, login);
  device.mqtt().send(network::test::publish("/sensor/d2/properties/report", R"({"properties":{"temp":9}})", 1, 77, 5));
  const std::string ack = device.mqtt().read_packet();
  REQUIRE(ack.size() >= 5);
  CHECK(static_cast<unsigned char>(ack[4]) == 0x87);
  CHECK(house.history("d2").empty());
  CHECK(house.state_of("d2") == "offline");
  CHECK(house.call("GET", "/v1/gateways/gw").number("status.counters.refused") == 1);
}

TEST_CASE("a tail that is left while messages come does not hold anyone up") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  for (int i = 0; i < 20; ++i) {
    Ctl tail = house.ctl();
    tail.stream("GET", "/v1/messages?limit=1");
    device.publish("properties/report", R"({"properties":{"temp":1}})");
    if (i % 2 == 0) CHECK(Reply{0, tail.line()}.text("type") == "REPORT_PROPERTY");
  }
  CHECK(house.history("d1").size() == 21);
}

TEST_CASE("state and history survive the daemon's end; whoever was online is offline since then") {
  House house;
  house.provision();
  {
    Device device(house.port, "d1");
    device.publish("properties/report", R"({"properties":{"temp":7}})");
    house.stop();
    CHECK(device.is_ended());
  }
  house.clock.advance(1000);
  house.start();
  const Reply state = house.call("GET", "/v1/devices/d1/state");
  CHECK(state.text("state") == "offline");
  CHECK(state.at("properties.temp.value") == json::value(7));
  CHECK(house.history("d1") == std::vector<std::string>{"ONLINE", "REPORT_PROPERTY", "OFFLINE"});
  CHECK(Device::try_connect(house.port, Login("d1")) == 0);
}

}  // namespace jl::test
