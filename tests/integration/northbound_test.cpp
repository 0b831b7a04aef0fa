// Applications on an MQTT server component, and what they read and send of devices (access.md 5.6, 5.7).
#include "tests/integration/application.hpp"
#include "tests/integration/device.hpp"
#include "tests/integration/house.hpp"

#include <fmt/format.h>

namespace jl::test {
namespace {

std::string user_manifest(std::string_view id, std::string_view more = {}, bool enabled = true) {
  return fmt::format(
      R"({{"kind": "user", "id": "{}", "enabled": {}, "spec": {{"networkId": "net", "password": "secret-1", )"
      R"("publish": ["/device/#", "room/#"], "subscribe": ["/device/#", "room/#", "news"]{}}}}})",
      id, enabled, more);
}

struct Home : House {
  Home() {
    provision();
    const Reply reply = apply(join_documents({user_manifest("alice"), user_manifest("bob")}));
    REQUIRE_MESSAGE(reply.status == 200, json::serialize(reply.body));
  }
  AppLogin persistent(bool clean = false) const {
    AppLogin out;
    out.clean = clean;
    out.expiry = 3600;
    return out;
  }
};

constexpr std::string_view kReport = "/device/sensor/d1/message/property/report";
constexpr std::string_view kWrite = "/device/sensor/d1/message/send/property/write";
constexpr std::string_view kWriteReply = "/device/sensor/d1/message/property/write/reply";

}  // namespace

TEST_CASE("an application reads what a device reports, decoded, under the device's topic [access 5.6]") {
  Home home;
  Application app(home.port);
  CHECK(app.subscribe("/device/sensor/+/message/property/report") == 1);
  Device device(home.port, "d1");
  device.publish("properties/report", R"({"properties":{"temp":21.5}})");
  const Heard heard = app.hear();
  CHECK(heard.topic == kReport);
  const json::value body = json::parse(heard.payload);
  CHECK(body.at("messageType") == json::value("REPORT_PROPERTY"));
  CHECK(body.at("deviceId") == json::value("d1"));
  CHECK(body.at("properties").at("temp") == json::value(21.5));
  CHECK(app.hears_nothing());
}

TEST_CASE("an application writes a property by publishing, and gets the device's reply [access 5.7]") {
  Home home;
  Application app(home.port);
  CHECK(app.subscribe(kWriteReply) == 1);
  Device device(home.port, "d1");
  CHECK(app.publish(kWrite, R"({"messageId":"m-1","properties":{"target":"21"}})") == 0);
  const Down down = device.receive();
  CHECK(down.topic == "/sensor/d1/properties/write");
  CHECK(down.payload.at("properties") == json::value{{"target", 21}});
  device.reply(down, R"("properties":{"target":21})");
  const json::value body = json::parse(app.hear().payload);
  CHECK(body.at("messageType") == json::value("WRITE_PROPERTY_REPLY"));
  CHECK(body.at("messageId") == json::value("m-1"));
  CHECK(body.at("properties").at("target") == json::value(21));
  CHECK(app.hears_nothing());
}

TEST_CASE("a command that cannot be sent is answered as a failed reply [access 5.7]") {
  Home home;
  Application app(home.port);
  CHECK(app.subscribe("/device/+/+/message/property/write/reply") == 1);
  CHECK(app.publish(kWrite, R"({"messageId":"m-1","properties":{"target":21}})") == 0);
  json::value body = json::parse(app.hear().payload);
  CHECK(body.at("success") == json::value(false));
  CHECK(body.at("messageId") == json::value("m-1"));
  CHECK(body.at("code") == json::value("CLIENT_OFFLINE"));
  for (const char* bad : {"no json", "[]", R"({"properties":7})"}) {
    CHECK(app.publish(kWrite, bad) == 0);
    body = json::parse(app.hear().payload);
    CHECK_MESSAGE(body.at("success") == json::value(false), bad);
    CHECK_MESSAGE(body.at("code") == json::value("PARAMETER_ERROR"), bad);
  }
  CHECK(app.publish("/device/sensor/nobody/message/send/property/write", R"({"properties":{}})") == 0);
  CHECK(json::parse(app.hear().payload).at("code") == json::value("not_found"));
}

TEST_CASE("who does not know the password, is disabled or takes a device's id is refused") {
  Home home;
  CHECK(Application::try_connect(home.port, {.id = "app", .user = "alice", .password = "wrong"}) == 0x86);
  CHECK(Application::try_connect(home.port, {.id = "d1"}) == 0x85);
  CHECK(Application::try_connect(home.port, {}) == 0);
  CHECK(home.apply(join_documents({user_manifest("alice", {}, false)})).status == 200);
  CHECK(Application::try_connect(home.port, {}) == 0x86);
  CHECK(Application::try_connect(home.port, {.id = "app", .user = "bob"}) == 0);
}

TEST_CASE("another user does not get a client id with its session") {
  Home home;
  Application app(home.port, home.persistent());
  CHECK(Application::try_connect(home.port, {.id = "app", .user = "bob"}) == 0x85);
  CHECK(app.hears_nothing());
}

TEST_CASE("an application may publish and subscribe as far as its filters go, and never speak for devices") {
  Home home;
  Application app(home.port);
  CHECK(app.subscribe("room/+/light") == 1);
  CHECK(app.subscribe("news", 2) == 2);
  for (const char* filter : {"#", "+/x", "other", "news/#", "$share/g/other", "response/#", "response/other/x"})
    CHECK_MESSAGE(app.subscribe(filter) == 0x87, filter);
  CHECK(app.subscribe("response/app/#") == 1);
  CHECK(app.subscribe("$share/g/room/#") == 1);
  CHECK(app.publish("room/1/light", "on") == 0);
  CHECK(app.publish("news", "no") == 0x87);
  CHECK(app.publish(kReport, "{}") == 0x87);
  CHECK(app.publish(kWrite, R"({"properties":{}})", 1, true) == 0x87);
  CHECK(Application::try_connect(home.port, {.id = "w", .will_topic = "news"}) == 0x87);
  CHECK(Application::try_connect(home.port, {.id = "w", .will_topic = std::string(kReport)}) == 0x87);
  CHECK(Application::try_connect(home.port, {.id = "w", .will_topic = "room/w"}) == 0);
}

TEST_CASE("a client id that is a wildcard or several levels gives no way to the answers of others") {
  Home home;
  for (const char* id : {"+", "a/b"}) {
    Application app(home.port, {.id = id});
    CHECK_MESSAGE(app.subscribe(fmt::format("response/{}/x", id)) >= 0x80, id);
    CHECK_MESSAGE(app.subscribe("response/+/#") == 0x87, id);
  }
}

TEST_CASE("a user that is changed has to log in again; one that is not stays") {
  Home home;
  Application alice(home.port);
  Application bob(home.port, {.id = "other", .user = "bob"});
  CHECK(home.apply(join_documents({user_manifest("alice", R"(, "username": "alicia")")})).status == 200);
  CHECK(alice.is_ended());
  CHECK(bob.hears_nothing());
  CHECK(Application::try_connect(home.port, {}) != 0);
  CHECK(Application::try_connect(home.port, {.id = "app", .user = "alicia"}) == 0);
}

TEST_CASE("a gateway's topicAcl lets devices publish and subscribe beside their protocol") {
  Home home;
  const Reply reply = home.apply(
      R"([{"kind": "gateway", "id": "gw", "spec": {"provider": "mqtt-server-gateway", "channelId": "net",
        "protocol": "official", "topicAcl": [{"topic": "room/{deviceId}/#"}, {"topic": "/device/#"}]}}])");
  REQUIRE_MESSAGE(reply.status == 200, json::serialize(reply.body));
  Application app(home.port);
  CHECK(app.subscribe("room/#") == 1);
  CHECK(app.subscribe("/device/#") == 1);
  network::test::MqttClient device(home.port);
  Login login("d1");
  login.version = 5;
  device.send(connect_packet(login));
  REQUIRE(device.read_packet().at(3) == 0);
  const auto reason = [&](std::string_view topic) {
    device.send(network::test::publish(topic, "{}", 1, 7, 5));
    const std::string ack = device.read_packet();
    return ack.size() > 4 ? static_cast<unsigned char>(ack[4]) : 0;
  };
  CHECK(reason("room/d1/a") == 0);
  CHECK(reason("room/d2/a") == 0x87);
  // What applications read of devices is the daemon's word, whatever a gateway grants.
  CHECK(reason("/device/sensor/d2/message/property/report") == 0x87);
  const Heard online = app.hear();
  CHECK(online.topic == "/device/sensor/d1/online");
  CHECK(app.hear().topic == "room/d1/a");
  CHECK(app.hears_nothing());
  device.send(network::test::packet(0x82, network::test::u16(9) + '\0' + network::test::text("room/d1/b") + '\1'));
  CHECK(device.read_packet().back() == 1);
  CHECK(app.publish("room/d1/b", "hello") == 0);
  CHECK(device.read_packet().ends_with("hello"));
}

TEST_CASE("sessions and retained messages are there again after a restart [MQTT-3.1.2-5]") {
  Home home;
  {
    Application app(home.port, home.persistent());
    CHECK(app.subscribe("room/#", 1) == 1);
    Application other(home.port, {.id = "other", .user = "bob"});
    CHECK(other.publish("room/kept", "kept", 1, true) == 0);
    CHECK(app.hear().payload == "kept");
    app.leave();
    CHECK(app.is_ended());
    CHECK(other.publish("room/1", "while away") == 0);
  }
  home.restart();
  Application app(home.port, home.persistent());
  CHECK(app.session_present());
  CHECK(app.hear().payload == "while away");
  CHECK(app.hears_nothing());
  CHECK(app.subscribe("room/kept") == 1);
  const Heard kept = app.hear();
  CHECK(kept.payload == "kept");
  CHECK(kept.retain);
}

TEST_CASE("a QoS 2 message is delivered exactly once over a restart, both ways [MQTT-4.3.3]") {
  Home home;
  {
    Application app(home.port, home.persistent());
    CHECK(app.subscribe("room/#", 2) == 2);  // packet 1
    Application sender(home.port, {.id = "sender", .user = "bob", .clean = false, .expiry = 3600});
    CHECK(sender.publish("room/1", "once", 2) == 0);  // packet 1, without PUBREL
    CHECK(app.hear(false).payload == "once");         // without PUBREC
  }
  home.restart();
  Application sender(home.port, {.id = "sender", .user = "bob", .clean = false, .expiry = 3600});
  CHECK(sender.session_present());
  CHECK(sender.publish_again("room/1", "once", 1) == 0);
  sender.complete(1);
  {
    Application app(home.port, home.persistent());
    const Heard again = app.hear();
    CHECK(again.payload == "once");
    CHECK(again.again);
    CHECK(app.hears_nothing());
    app.leave();
    CHECK(app.is_ended());
  }
  home.restart();
  Application app(home.port, home.persistent());
  CHECK(app.session_present());
  CHECK(app.hears_nothing());
}

}  // namespace jl::test
