// Modbus through the whole daemon, with a slave of libmodbus (operations.md 2).
#include "tests/integration/house.hpp"
#include "tests/integration/modbus_slave.hpp"

#include <fmt/format.h>

namespace jl::test {
namespace {

constexpr const char* kThings =
    R"({"properties":[{"id":"level","name":"l","valueType":{"type":"int"},"expands":{"type":["read","write","report"]}},
                      {"id":"heat","name":"h","valueType":{"type":"float"},"expands":{"type":["read","write","report"]}},
                      {"id":"loose","name":"x","valueType":{"type":"int"}}]})";

/// A daemon with channel "plc" to a slave, points "level" (107, polled) and "heat" (200, float, not polled), and device
/// "boiler" made of both.
struct Plant {
  Plant() {
    const Reply done = house.apply(join_documents(
        {fmt::format(R"({{"kind":"modbus-channel","id":"plc","spec":{{"host":"127.0.0.1","port":{}}}}})", slave.port()),
         point("level", R"("address":"40108","interval":1000,"access":"read-write")"),
         point("heat", R"("address":"200","type":"float32","access":"read-write","scaleFactor":0.5)"),
         R"({"kind":"protocol","id":"modbus","spec":{"type":"builtin","configuration":{"builtin":"modbus-tcp"}}})",
         R"({"kind":"gateway","id":"gw-m","spec":{"provider":"modbus-tcp","protocol":"modbus"}})",
         fmt::format(R"({{"kind":"product","id":"boilers","enabled":true,"spec":{{"accessId":"gw-m","metadata":{}}}}})",
                     kThings),
         R"({"kind":"device","id":"boiler","enabled":true,"spec":{"productId":"boilers","bindings":[
            {"property":"level","point":"level"},{"property":"heat","point":"heat"}]}})"}));
    REQUIRE_MESSAGE(done.status == 200, json::serialize(done.body));
  }
  static std::string point(const std::string& id, const std::string& rest) {
    return fmt::format(R"({{"kind":"modbus-point","id":"{}","spec":{{"channelId":"plc",{}}}}})", id, rest);
  }
  [[nodiscard]] bool is(const std::string& path, const std::string& at, const std::string& value) const {
    return eventually([&] { return house.call("GET", path).text(at) == value; });
  }
  [[nodiscard]] bool is_device(const std::string& state) const {
    return eventually([&] { return house.state_of("boiler") == state; });
  }

  ModbusSlave slave;
  House house;
};

}  // namespace

TEST_CASE("a device of Modbus points comes online with its first good value, which is reported [operations 2.1]") {
  Plant plant;
  CHECK(plant.is_device("online"));
  CHECK(eventually(
      [&] { return plant.house.call("GET", "/v1/devices/boiler/state").number("properties.level.value") == 107; }));
  const Reply shown = plant.house.call("GET", "/v1/devices/boiler");
  CHECK(shown.text("status.gateway") == "gw-m");
  CHECK(plant.is("/v1/modbus-points/level", "status.quality", "good"));
  CHECK(plant.house.call("GET", "/v1/modbus-points/level").number("status.value") == 107);
  CHECK(plant.house.call("GET", "/v1/modbus-points/level").text("status.hex") == "006b");
  CHECK(plant.house.call("GET", "/v1/modbus-points?unitId=1").at("items").as_array().size() == 2);
  CHECK(plant.house.call("GET", "/v1/modbus-points?unitId=2").at("items").as_array().empty());
  // Not polled: nobody asked for it.
  CHECK(plant.house.call("GET", "/v1/modbus-points/heat").text("status.quality") == "pending");
  CHECK(plant.is("/v1/modbus-channels/plc", "status.state", "running"));
  CHECK(plant.house.call("GET", "/v1/modbus-channels/plc").number("status.counters.requests") == 1);
  CHECK(plant.slave.requests() == 1);
}

TEST_CASE("device read and write go to the slave and answer from its reply [operations 2.2, write-back]") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  const Reply wrote =
      plant.house.call("POST", "/v1/devices/boiler/write", R"({"properties":{"level":7,"heat":10.25}})");
  CHECK(wrote.status == 200);
  CHECK(plant.slave.holding(107) == 7);
  CHECK(plant.slave.holding(200) == 0x41A4);  // 20.5f
  plant.slave.set_holding(107, 9);
  const Reply read = plant.house.call("POST", "/v1/devices/boiler/read", R"({"properties":["level","heat"]})");
  CHECK(read.number("properties.level") == 9);
  CHECK(read.at("properties.heat") == json::value(10.25));

  const Reply unbound = plant.house.call("POST", "/v1/devices/boiler/read", R"({"properties":["loose"]})");
  CHECK(unbound.code() == "device_error");
  CHECK(json::serialize(unbound.body).find("bound to no Modbus point") != std::string::npos);
}

TEST_CASE("points and addresses are read and written by hand; what cannot be is refused without traffic") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  const Reply read =
      plant.house.call("POST", "/v1/modbus/read", R"({"target":"plc","address":"40011","quantity":"2"})");
  CHECK(read.at("value") == json::parse("[10,11]"));
  CHECK(read.text("hex") == "000a000b");
  const std::string place = fmt::format("tcp://127.0.0.1:{}", plant.slave.port());
  CHECK(plant.house.call("POST", "/v1/modbus-points/heat/write", R"({"value":"1.5","verify":true})").text("result") ==
        "written");
  const int before = plant.slave.requests();
  CHECK(plant.house.call("POST", "/v1/modbus-points/level/write", R"({"value":70000})").code() == "invalid");
  CHECK(plant.house.call("POST", "/v1/modbus/write", R"({"target":"plc","address":"1","function":"input","value":1})")
            .code() == "PARAMETER_ERROR");
  CHECK(plant.house.call("POST", "/v1/modbus/read", R"({"target":"nowhere","address":"1"})").code() == "not_found");
  CHECK(plant.house.call("POST", "/v1/modbus/read", R"({"target":"ftp://x","address":"1"})").code() == "bad_request");
  CHECK(plant.slave.requests() == before);
  const Reply beyond = plant.house.call("POST", "/v1/modbus/read", R"({"target":"plc","address":"5000"})");
  CHECK(beyond.code() == "device_error");
  CHECK(beyond.text("detail").find("unit 1, HoldingRegisters 5000: illegal data address") != std::string::npos);
}

TEST_CASE("deleting points and channels unbinds in the same transaction; a dry run tells before [operations 2.1]") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  CHECK(plant.house.call("DELETE", "/v1/modbus-points/level").code() == "enabled");
  REQUIRE(plant.house.call("POST", "/v1/modbus-points/level/disable").status == 200);
  CHECK(plant.house.call("GET", "/v1/modbus-points/level").text("status.quality") == "stopped");
  const std::int64_t revision = plant.house.revision();
  const Reply planned = plant.house.call("DELETE", "/v1/modbus-points/level?dryRun=true");
  CHECK(planned.text("result") == "planned");
  CHECK(planned.text("unbound.0.resource") == "device/boiler");
  CHECK(plant.house.revision() == revision);
  const Reply deleted = plant.house.call("DELETE", "/v1/modbus-points/level");
  CHECK(deleted.text("result") == "deleted");
  CHECK(deleted.at("unbound") == planned.at("unbound"));
  CHECK(plant.house.call("GET", "/v1/devices/boiler").at("spec.bindings").as_array().size() == 1);

  CHECK(plant.house.call("DELETE", "/v1/modbus-channels/plc").code() == "enabled");
  REQUIRE(plant.house.call("POST", "/v1/modbus-channels/plc/disable").status == 200);
  CHECK(plant.is_device("offline"));
  const Reply all = plant.house.call("DELETE", "/v1/modbus-channels/plc");
  CHECK(all.at("alsoDeleted") == json::parse(R"(["modbus-point/heat"])"));
  CHECK(plant.house.call("HEAD", "/v1/modbus-points/heat").status == 404);
  CHECK(plant.house.call("GET", "/v1/devices/boiler").at("spec.bindings").is_null());
}

TEST_CASE("properties are bound and unbound while the device stays online") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  const std::string since = plant.house.call("GET", "/v1/devices/boiler").text("status.since");
  REQUIRE(plant.house.apply(join_documents({Plant::point("spare", R"("address":"5","interval":1000)")})).status == 200);
  CHECK(plant.house.call("POST", "/v1/devices/boiler/bind", R"({"property":"nope","point":"spare"})").code() ==
        "PROPERTY_UNDEFINED");
  CHECK(plant.house.call("POST", "/v1/devices/boiler/bind", R"({"property":"loose","point":"nope"})").code() ==
        "invalid");
  CHECK(plant.house.call("POST", "/v1/devices/boiler/bind", R"({"property":"loose","point":"spare"})").text("result") ==
        "updated");
  CHECK(plant.house.call("POST", "/v1/devices/boiler/bind", R"({"property":"loose","point":"spare"})").text("result") ==
        "unchanged");
  CHECK(eventually(
      [&] { return plant.house.call("GET", "/v1/devices/boiler/state").number("properties.loose.value") == 5; }));
  CHECK(plant.house.call("GET", "/v1/modbus/bindings?point=spare").text("items.0.property") == "loose");
  CHECK(plant.house.call("POST", "/v1/devices/boiler/unbind", R"({"properties":["loose"]})").text("result") ==
        "updated");
  CHECK(plant.house.call("POST", "/v1/devices/boiler/unbind", R"({"properties":["loose"]})").code() == "not_found");
  CHECK(plant.house.call("POST", "/v1/devices/boiler/unbind?ifExists=true", R"({"properties":["loose"]})")
            .text("result") == "unchanged");
  CHECK(plant.house.call("GET", "/v1/devices/boiler").text("status.since") == since);
}

TEST_CASE("a device is offline when nothing polled can be read, whatever was read by hand before") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  REQUIRE(plant.house.call("POST", "/v1/devices/boiler/read", R"({"properties":["heat"]})").status == 200);
  plant.slave.stop();
  CHECK(plant.is_device("offline"));
}

TEST_CASE("a device is offline without enabled points, and stays online while a point is changed [operations 2.1]") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  const std::string since = plant.house.call("GET", "/v1/devices/boiler").text("status.since");
  REQUIRE(plant.house.call("PATCH", "/v1/modbus-points/level", R"({"spec":{"scaleFactor":2}})").status == 200);
  CHECK(eventually([&] {
    return plant.house.call("GET", "/v1/devices/boiler/state").at("properties.level.value") == json::value(214.0);
  }));
  CHECK(plant.house.call("GET", "/v1/devices/boiler").text("status.since") == since);

  // The other point is enabled, and not polled: that its channel is connected is what is known.
  REQUIRE(plant.house.call("POST", "/v1/modbus-points/level/disable").status == 200);
  CHECK(plant.is_device("online"));
  REQUIRE(plant.house.call("POST", "/v1/modbus-points/heat/disable").status == 200);
  CHECK(plant.is_device("offline"));
  REQUIRE(plant.house.call("POST", "/v1/modbus-points/level/enable").status == 200);
  CHECK(plant.is_device("online"));
}

TEST_CASE("what was read by hand does not keep a device online whose slave is away") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  REQUIRE(plant.house.call("POST", "/v1/devices/boiler/read", R"({"properties":["heat"]})").status == 200);
  REQUIRE(plant.is("/v1/modbus-points/heat", "status.quality", "good"));
  REQUIRE(plant.house.call("PATCH", "/v1/modbus-channels/plc", R"({"spec":{"host":"127.0.0.2","port":1}})").status ==
          200);
  CHECK(plant.is_device("offline"));
  CHECK(plant.house.call("GET", "/v1/status").number("modbus.failed") == 1);
  CHECK(plant.house.call("GET", "/v1/status").number("modbus.running") == 0);
}

TEST_CASE("lists of channels with TLS need no certificates of authorities") {
  Plant plant;
  std::vector<std::string> channels;
  for (int i = 0; i < 200; ++i) {
    channels.push_back(fmt::format(
        R"({{"kind":"modbus-channel","id":"t{}","enabled":false,"spec":{{"transport":"tls","host":"h"}}}})", i));
  }
  REQUIRE(plant.house.apply(join_documents(channels)).status == 200);
  const Reply shown = plant.house.call("GET", "/v1/modbus-channels/t7");
  CHECK(shown.text("status.address") == "tls://h:802");
  CHECK(plant.house.call("GET", "/v1/modbus-channels?limit=500").status == 200);
}

TEST_CASE("all units at once can be written by hand, and nothing else") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  CHECK(plant.house.call("POST", "/v1/modbus/write", R"({"target":"plc","address":"5","unit":"0","value":7})")
            .text("result") == "written");
  CHECK(plant.house.call("POST", "/v1/modbus/read", R"({"target":"plc","address":"5","unit":"0"})").code() ==
        "PARAMETER_ERROR");
  CHECK(plant.house
            .call("POST", "/v1/modbus/write",
                  R"({"target":"plc","address":"5","unit":"0","value":true,"type":"bit","bit":"1"})")
            .code() == "PARAMETER_ERROR");
}

TEST_CASE("who watches a channel is told that it was stopped, and that this is the end") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  Ctl watcher = plant.house.ctl();
  watcher.stream("GET", "/v1/modbus-channels/plc/watch");
  REQUIRE(plant.house.call("POST", "/v1/modbus-channels/plc/disable").status == 200);
  std::string last;
  for (json::value line = watcher.line(); !line.is_null(); line = watcher.line()) last = json::serialize(line);
  CHECK(last.find("\"error\"") != std::string::npos);
  CHECK(last.find("does not run") != std::string::npos);
}

TEST_CASE("a device that is disabled goes, and comes back with all that is known when it is enabled") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  REQUIRE(plant.house.call("POST", "/v1/devices/boiler/disable").status == 200);
  CHECK(plant.is_device("notActive"));
  REQUIRE(plant.house.call("POST", "/v1/devices/boiler/enable").status == 200);
  CHECK(plant.is_device("online"));
  REQUIRE(plant.house.call("POST", "/v1/gateways/gw-m/disable").status == 200);
  CHECK(plant.is_device("offline"));
  REQUIRE(plant.house.call("POST", "/v1/gateways/gw-m/enable").status == 200);
  CHECK(plant.is_device("online"));
}

TEST_CASE("a channel that is enabled already is enabled again without harm: what was given up is tried again") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  const std::string since = plant.house.call("GET", "/v1/devices/boiler").text("status.since");
  CHECK(plant.house.call("POST", "/v1/modbus-channels/plc/enable").text("result") == "unchanged");
  CHECK(plant.house.call("POST", "/v1/modbus-points/level/read", "{}").number("value") == 107);
  CHECK(plant.house.call("GET", "/v1/modbus-channels/plc").number("status.counters.connects") == 1);
  CHECK(plant.house.call("GET", "/v1/devices/boiler").text("status.since") == since);
}

TEST_CASE("channels, points and bindings outlive the daemon, and what is exported is applied unchanged") {
  Plant plant;
  REQUIRE(plant.is_device("online"));
  plant.house.restart();
  CHECK(plant.is_device("online"));
  CHECK(plant.is("/v1/modbus-points/level", "status.quality", "good"));
  const Reply plan = plant.house.call("GET", "/v1/modbus-channels/plc/plan");
  CHECK(plan.number("points") == 1);
  CHECK(plan.text("items.0.function") == "HoldingRegisters");
}

}  // namespace jl::test
