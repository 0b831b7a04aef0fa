// Messages down to devices, and what comes back (access.md 5.7).
#include "tests/integration/device.hpp"
#include "tests/integration/house.hpp"

#include <fmt/format.h>

namespace jl::test {

TEST_CASE("read, write and invoke are answered with what the device replied [access 5.7]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  Ctl ctl = house.ctl();

  ctl.send("POST", "/v1/devices/d1/read", R"({"properties":["temp","serial"]})");
  Down down = device.receive();
  CHECK(down.topic == "/sensor/d1/properties/read");
  CHECK(down.qos == 1);
  CHECK(down.payload.at("properties") == json::value{"temp", "serial"});
  device.reply(down, R"("properties":{"temp":20.5,"serial":"A1"})");
  Reply reply = ctl.answer();
  CHECK(reply.status == 200);
  CHECK(reply.at("properties") == json::value{{"temp", 20.5}, {"serial", "A1"}});
  CHECK(reply.text("deviceId") == "d1");
  CHECK(reply.text("messageId") == down.payload.at("messageId").as_string());

  // Converted to what the thing model wants.
  ctl.send("POST", "/v1/devices/d1/write", R"({"properties":{"target":"21"}})");
  down = device.receive();
  CHECK(down.topic == "/sensor/d1/properties/write");
  CHECK(down.payload.at("properties") == json::value{{"target", 21}});
  device.reply(down, R"("properties":{"target":21})");
  CHECK(ctl.answer().at("properties.target") == json::value(21));

  ctl.send("POST", "/v1/devices/d1/invoke", R"({"functionId":"reboot","inputs":{"delay":5}})");
  down = device.receive();
  CHECK(down.topic == "/sensor/d1/function/invoke");
  CHECK(down.payload.at("functionId") == json::value("reboot"));
  CHECK(down.payload.at("inputs").at(0) == json::value{{"name", "delay"}, {"value", 5}});
  device.reply(down, R"("output":{"ok":true})");
  reply = ctl.answer();
  CHECK(reply.at("output.ok") == json::value(true));
  CHECK(reply.text("functionId") == "reboot");

  // Replies are messages too: kept, and the newest values known.
  const Reply state = house.call("GET", "/v1/devices/d1/state");
  CHECK(state.at("properties.target.value") == json::value(21));
  CHECK(house.history("d1") ==
        std::vector<std::string>{"ONLINE", "READ_PROPERTY_REPLY", "WRITE_PROPERTY_REPLY", "INVOKE_FUNCTION_REPLY"});
}

TEST_CASE("reading without names asks for every readable property [access 5.7]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  Ctl ctl = house.ctl();
  ctl.send("POST", "/v1/devices/d1/read");
  const Down down = device.receive();
  CHECK(down.payload.at("properties").as_array().size() == 3);
  device.reply(down, R"("properties":{})");
  CHECK(ctl.answer().at("properties") == json::value(json::object()));
}

TEST_CASE("a failed reply is a device error with the device's own words [access 5.7]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  Ctl ctl = house.ctl();
  ctl.send("POST", "/v1/devices/d1/read", R"({"properties":["temp"]})");
  device.reply(device.receive(), R"("success":false,"code":"E42","message":"sensor lost")");
  const Reply reply = ctl.answer();
  CHECK(reply.code() == "device_error");
  CHECK(reply.text("detail").find("E42") != std::string::npos);
  CHECK(reply.text("detail").find("sensor lost") != std::string::npos);
}

TEST_CASE("a device that does not answer in time is a timeout, and its late reply only a message [access 5.7]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  Ctl ctl = house.ctl();
  ctl.send("POST", "/v1/devices/d1/read", R"({"properties":["temp"],"timeout":"2s"})");
  const Down down = device.receive();
  house.clock.advance(1900);
  CHECK(house.call("GET", "/v1/status").number("commands.pending") == 1);
  house.clock.advance(600);
  CHECK(ctl.answer().code() == "timeout");
  CHECK(house.call("GET", "/v1/status").number("commands.pending") == 0);
  device.reply(down, R"("properties":{"temp":1})");
  CHECK(house.history("d1").back() == "READ_PROPERTY_REPLY");
}

TEST_CASE("commands that cannot work are refused before anything is sent [access 5.7]") {
  House house;
  house.provision();
  struct Row {
    const char *target, *body, *code, *field;
  };
  const Row rows[] = {
      {"d1/read", R"({"properties":["tmp"]})", "PROPERTY_UNDEFINED", "tmp"},
      {"d1/write", R"({"properties":{"tmp":1}})", "PROPERTY_UNDEFINED", "tmp"},
      {"d1/write", R"({"properties":{"target":"warm"}})", "PARAMETER_ERROR", "target"},
      {"d1/write", R"({"properties":{"target":99}})", "PARAMETER_ERROR", "target"},
      {"d1/write", R"({"properties":{"serial":"x"}})", "PARAMETER_ERROR", "serial"},
      {"d1/write", R"({"properties":{}})", "PARAMETER_ERROR", ""},
      {"d1/write", R"({})", "bad_request", "properties"},
      {"d1/invoke", R"({"functionId":"rebot"})", "FUNCTION_UNDEFINED", "rebot"},
      {"d1/invoke", R"({"functionId":"reboot","inputs":{"dely":1}})", "PARAMETER_UNDEFINED", "dely"},
      {"d1/invoke", R"({"functionId":"reboot","inputs":{"delay":"soon"}})", "PARAMETER_ERROR", "delay"},
      {"d1/invoke", R"({})", "bad_request", "functionId"},
      {"d1/read", R"({"properties":[1]})", "bad_request", "properties"},
      {"d1/read", R"({"properties":["temp"],"timeout":"2h"})", "bad_request", "timeout"},
      {"d1/read", R"({"properties":["temp"],"timeout":"soon"})", "bad_request", "timeout"},
      {"nobody/read", R"({"properties":["temp"]})", "not_found", ""},
      {"d2/read", R"({"properties":["temp"]})", "CLIENT_OFFLINE", ""},
  };
  Device device(house.port, "d1");
  for (const Row& row : rows) {
    CAPTURE(row.target);
    CAPTURE(row.body);
    const Reply reply = house.call("POST", std::string("/v1/devices/") + row.target, row.body);
    CHECK(reply.code() == row.code);
    CHECK(reply.text("field") == row.field);
  }
  REQUIRE(house.call("POST", "/v1/devices/d2/disable").status == 200);
  CHECK(house.call("POST", "/v1/devices/d2/read", R"({"properties":["temp"]})").code() == "device_not_activated");
  CHECK(device.mqtt().is_quiet());
}

TEST_CASE("an answer in parts is put together [wire 1.4 frag_*]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  Ctl ctl = house.ctl();
  for (const bool by_count : {true, false}) {
    CAPTURE(by_count);
    ctl.send("POST", "/v1/devices/d1/read", R"({"properties":["temp","target"]})");
    const Down down = device.receive();
    const std::string id(down.payload.at("messageId").as_string());
    const auto part = [&](int number, std::string_view properties, bool last) {
      device.publish(
          "properties/read/reply",
          fmt::format(
              R"({{"messageId":"{}-{}","properties":{},"headers":{{"frag_msg_id":"{}","frag_num":{},"frag_part":{},"frag_last":{}}}}})",
              id, number, properties, id, by_count ? 2 : 0, number, last));
    };
    part(1, R"({"temp":1})", false);
    CHECK(house.call("GET", "/v1/status").number("commands.pending") == 1);
    part(2, R"({"target":7})", !by_count);
    CHECK(ctl.answer().at("properties") == json::value{{"temp", 1}, {"target", 7}});
  }
}

TEST_CASE("a reply without messageId goes to the oldest waiting command of its type [access 5.7]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  Ctl first = house.ctl(), second = house.ctl(), other = house.ctl();
  first.send("POST", "/v1/devices/d1/write", R"({"properties":{"target":6}})");
  (void)device.receive();
  other.send("POST", "/v1/devices/d1/read", R"({"properties":["temp"]})");
  (void)device.receive();
  second.send("POST", "/v1/devices/d1/write", R"({"properties":{"target":7}})");
  (void)device.receive();
  device.publish("properties/write/reply", R"({"headers":{"replyNoMessageId":true},"properties":{"target":6}})");
  CHECK(first.answer().at("properties.target") == json::value(6));
  device.publish("properties/read/reply", R"({"headers":{"replyNoMessageId":true},"properties":{"temp":3}})");
  CHECK(other.answer().at("properties.temp") == json::value(3));
  device.publish("properties/write/reply",
                 R"({"headers":{"replyNoMessageId":true,"ignoreSession":true},"properties":{"target":7}})");
  CHECK(second.answer().at("properties.target") == json::value(7));
}

TEST_CASE("replies come back to their own commands in whatever order the device sends them") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  std::vector<Ctl> callers;
  std::vector<Down> requests;
  for (int i = 0; i < 8; ++i) {
    callers.push_back(house.ctl());
    callers.back().send("POST", "/v1/devices/d1/read", R"({"properties":["temp"]})");
    requests.push_back(device.receive());
  }
  for (int i = 7; i >= 0; --i)
    device.reply(requests[static_cast<std::size_t>(i)], fmt::format(R"("properties":{{"temp":{}}})", i));
  for (int i = 0; i < 8; ++i)
    CHECK(callers[static_cast<std::size_t>(i)].answer().at("properties.temp") == json::value(i));
}

TEST_CASE("a connection that ends answers its commands with connection_lost [access 5.7]") {
  House house;
  house.provision();
  Device device(house.port, "d1");
  Ctl ctl = house.ctl();
  ctl.send("POST", "/v1/devices/d1/read", R"({"properties":["temp"]})");
  (void)device.receive();
  device.vanish();
  CHECK(ctl.answer().code() == "CONNECTION_LOST");
}

TEST_CASE("disconnect closes the device's connection and says whether there was one [access 5.7]") {
  House house;
  house.provision();
  Login login("d1");
  login.version = 5;
  Device device(house.port, login);
  CHECK(house.call("POST", "/v1/devices/d1/disconnect").text("result") == "updated");
  CHECK(device.is_ended());
  CHECK(device.disconnect_reason() == 0x98);
  CHECK(house.state_of("d1") == "offline");
  CHECK(house.call("POST", "/v1/devices/d1/disconnect").text("result") == "unchanged");
  CHECK(house.call("POST", "/v1/devices/nobody/disconnect").code() == "not_found");
}

}  // namespace jl::test
