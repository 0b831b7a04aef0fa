#include "daemon/access/presence.hpp"
#include "tests/unit/daemon/access/bench.hpp"

namespace jl::access {
namespace {
using Seen = std::vector<std::string>;

constexpr const char* kReport = R"({"properties":{"t":1}})";
constexpr const char* kRegister = R"({"headers":{"productId":"p","deviceName":"N"}})";

struct Outcome {
  bool done = false;
  std::optional<Error> error;
};
Outcome read(Bench& b, const std::string& device) {
  // A command that is still waiting is answered when the bench goes.
  const auto out = std::make_shared<Outcome>();
  b.commands.read(device, {"t"}, 10'000, [out](const Result<CommandReply>& reply) {
    out->done = true;
    if (!reply) out->error = reply.error();
  });
  b.run([] {});
  return *out;
}

}  // namespace

TEST_SUITE("access.mqtt_client") {
  TEST_CASE("a device behind a broker comes online with its first message, without credentials [access 5.3]") {
    Bench b;
    b.put_device("d1");
    b.say("/p/d1/properties/report", kReport);
    CHECK(b.seen() == Seen{"ONLINE d1", "REPORT_PROPERTY d1"});
    const auto session = b.sessions.find("d1");
    REQUIRE(session);
    CHECK(session->gateway_id == "gw");
    CHECK(session->network_id == "broker");
    CHECK(session->product_id == "p");
    CHECK(session->address == "mqtt://b:1883");
    CHECK(session->thread == &b.threads.at(0));
    b.say("/p/d1/properties/report", kReport);
    CHECK(b.seen() == Seen{"REPORT_PROPERTY d1"});
    CHECK(b.counters->connections == 1);
    CHECK(b.counters->received == 2);
  }

  TEST_CASE("devices are told apart by their topics: each has a session of its own on the one connection") {
    Bench b;
    for (const char* id : {"d1", "d2", "d3"}) {
      b.put_device(id);
      b.say(std::string("/p/") + id + "/online");
    }
    CHECK(b.sessions.size() == 3);
    CHECK(b.access->sessions() == 3);
    CHECK(b.seen() == Seen{"ONLINE d1", "ONLINE d2", "ONLINE d3"});
  }

  TEST_CASE("who is unknown, disabled, or of another gateway is dropped and counted, never created [access 5.3]") {
    Bench b;
    b.put_device("off", false);
    b.put("gateway", "other",
          {{"provider", "mqtt-client-gateway"}, {"channelId", "elsewhere"}, {"protocol", "official"}});
    b.put("product", "theirs", {{"accessId", "other"}});
    b.put("device", "foreign", {{"productId", "theirs"}});
    b.put("product", "closed", {{"accessId", "gw"}}, false);
    b.put("device", "closed-1", {{"productId", "closed"}});
    std::uint64_t refused = 0;
    for (const char* id : {"nobody", "off", "foreign", "closed-1"}) {
      CAPTURE(id);
      b.say(std::string("/p/") + id + "/properties/report", kReport);
      CHECK(b.counters->refused == ++refused);
      CHECK_FALSE(b.is_online(id));
    }
    CHECK(b.seen().empty());
    CHECK(b.access->sessions() == 0);
    CHECK(b.provisioner.wishes.empty());
    CHECK(b.counters->received == 0);
  }

  TEST_CASE("a gateway that is not for its products only takes other gateways' devices as well [access 5.1]") {
    Bench b;
    b.put("gateway", "other",
          {{"provider", "mqtt-client-gateway"}, {"channelId", "elsewhere"}, {"protocol", "official"}});
    b.put("product", "theirs", {{"accessId", "other"}});
    b.put("device", "foreign", {{"productId", "theirs"}});
    b.put("gateway", "gw", {{"provider", "mqtt-client-gateway"}, {"channelId", "broker"}, {"protocol", "official"}});
    b.attach();
    b.say("/theirs/foreign/online");
    CHECK(b.is_online("foreign"));
  }

  TEST_CASE("topics that are nobody's are counted and do no harm") {
    Bench b;
    b.put_device("d1");
    for (const char* topic : {"", "/", "$SYS/x", "/p/d1/properties/read", "/p/d1/child/c/properties/write"})
      b.say(topic);
    CHECK(b.counters->undecodable == 5);
    CHECK_FALSE(b.is_online("d1"));
    b.say("/p/d1/properties/report", "{broken");
    CHECK(b.counters->undecodable == 6);
    CHECK(b.seen().empty());
    b.run([&] { b.access->attach(std::make_shared<const AttachedGateways>()); });
    b.say("/p/d1/online");
    CHECK_FALSE(b.is_online("d1"));
  }

  TEST_CASE("a command goes to the broker on the device's topic and its reply comes back the same way [access 5.7]") {
    Bench b;
    b.put_device("d1");
    b.say("/p/d1/online");
    std::optional<Result<CommandReply>> answer;
    b.commands.read("d1", {"t"}, 10'000, [&](const Result<CommandReply>& reply) { answer = reply; });
    b.run([] {});
    REQUIRE(b.client.published == Seen{"/p/d1/properties/read 1"});
    CHECK_FALSE(answer);
    const auto sent = boost::json::parse(b.client.payloads[0]).as_object();
    b.say("/p/d1/properties/read/reply",
          boost::json::serialize(json::object{{"messageId", sent.at("messageId")}, {"properties", {{"t", 5}}}}));
    REQUIRE(answer);
    CHECK(answer->has_value());
    CHECK(b.counters->sent == 1);
  }

  TEST_CASE("the downlink has the QoS that the protocol gives it") {
    Bench b;
    b.put("product", "p", {{"accessId", "gw"}, {"configuration", json::object{{"downQos", "2"}}}});
    b.put_device("d1");
    b.say("/p/d1/time-sync", R"({"messageId":"7"})");
    CHECK(b.client.published == Seen{"/p/d1/time-sync/reply 2"});
  }

  TEST_CASE("a command while the broker is away, or takes no more, fails at once with the reason") {
    Bench b;
    b.put_device("d1");
    b.say("/p/d1/online");
    b.client.is_full = true;
    Outcome full = read(b, "d1");
    REQUIRE(full.error);
    CHECK(full.error->code == Errc::system_busy);
    b.run([&] { b.access->on_disconnected(); });
    Outcome away = read(b, "d1");
    REQUIRE(away.error);
    CHECK(away.error->code == Errc::connection_lost);
    CHECK(b.is_online("d1"));
    CHECK(b.counters->sent == 0);
  }

  TEST_CASE("a broker that comes back soon leaves its devices online; one that stays away does not [access 5.3, 5.5]") {
    Bench b;
    for (int i = 0; i < 1100; ++i) {  // more than end in one turn; the bench has room for 1000
      b.put_device("d" + std::to_string(i));
      b.run([&] { b.access->on_message("/p/d" + std::to_string(i) + "/online", "{}", 1, false); });
    }
    CHECK(b.sessions.size() == 1000);
    b.run([&] { b.access->on_disconnected(); });
    b.pass(MqttClientAccess::kGrace - 1000);
    b.run([&] { b.access->on_connected(); });
    b.pass(MqttClientAccess::kGrace * 2);
    CHECK(b.sessions.size() == 1000);
    b.run([&] { b.access->on_disconnected(); });
    b.pass(MqttClientAccess::kGrace - 1000);
    CHECK(b.sessions.size() == 1000);
    b.pass(1500);
    CHECK(b.sessions.size() == 500);
    b.pass(1000);
    b.pass(1000);
    CHECK(b.sessions.size() == 0);
    b.run([&] { b.access->on_connected(); });
    b.say("/p/d7/online");
    CHECK(b.is_online("d7"));
  }

  TEST_CASE("a device that names a keepOnline time is offline after that long in silence [access 5.3]") {
    Bench b;
    b.put_device("d1");
    b.put_device("d2");
    const std::string kept = R"({"properties":{"t":1},"headers":{"keepOnline":true,"keepOnlineTimeoutSeconds":60}})";
    b.say("/p/d1/properties/report", kept);
    b.say("/p/d2/properties/report", kReport);
    b.pass(50'000);
    b.say("/p/d1/properties/report", kReport);
    b.pass(50'000);
    CHECK(b.is_online("d1"));
    (void)b.seen();
    b.pass(11'000);
    CHECK_FALSE(b.is_online("d1"));
    CHECK(b.is_online("d2"));
    CHECK(b.seen() == Seen{"OFFLINE d1"});
  }

  TEST_CASE("OFFLINE ends the session of its device only; its next message brings it back [access 5.1]") {
    Bench b;
    b.put_device("d1");
    b.put_device("d2");
    b.say("/p/d1/online");
    b.say("/p/d2/online");
    b.say("/p/d1/offline");
    CHECK_FALSE(b.is_online("d1"));
    CHECK(b.is_online("d2"));
    b.say("/p/d1/properties/report", kReport);
    CHECK(b.is_online("d1"));
    CHECK(b.seen() == Seen{"ONLINE d1", "ONLINE d2", "OFFLINE d1", "ONLINE d1", "REPORT_PROPERTY d1"});
    b.say("/p/d1/offline");
    b.put_device("d1", false);
    b.say("/p/d1/properties/report", kReport);
    CHECK_FALSE(b.is_online("d1"));
  }

  TEST_CASE("a first message that opens no session leaves the device offline [access 5.1 ignoreSession, OFFLINE]") {
    Bench b;
    b.put_device("d1");
    b.say("/p/d1/properties/report", R"({"properties":{"t":1},"headers":{"ignoreSession":true}})");
    CHECK(b.seen() == Seen{"REPORT_PROPERTY d1"});
    b.say("/p/d1/offline");
    CHECK(b.seen() == Seen{"OFFLINE d1"});
    CHECK_FALSE(b.is_online("d1"));
  }

  TEST_CASE("a session that is ended from here is over; the device may come back if it still may") {
    Bench b;
    b.put_device("d1");
    b.say("/p/d1/online");
    (void)b.seen();
    bool had = false;
    b.commands.disconnect("d1", [&](const Result<bool>& result) { had = result && *result; });
    b.run([] {});
    CHECK(had);
    CHECK(b.seen() == Seen{"OFFLINE d1"});
    CHECK(b.access->sessions() == 0);
    b.say("/p/d1/online");
    CHECK(b.is_online("d1"));
    b.put_device("d1", false);
    b.run([&] { end_session(b.context, b.sessions.find("d1")); });
    b.say("/p/d1/online");
    CHECK_FALSE(b.is_online("d1"));
    CHECK(b.counters->refused == 1);
  }

  TEST_CASE("commands that wait fail when their session ends") {
    Bench b;
    b.put_device("d1");
    b.say("/p/d1/online");
    std::optional<Error> error;
    b.commands.read("d1", {"t"}, 10'000, [&](const Result<CommandReply>& reply) { error = reply.error(); });
    b.run([] {});
    CHECK_FALSE(error);
    b.run([&] { end_session(b.context, b.sessions.find("d1")); });
    REQUIRE(error);
    CHECK(error->code == Errc::connection_lost);
  }

  TEST_CASE("with too many devices the one that was silent longest is given up") {
    Bench b(2);
    for (const char* id : {"d1", "d2", "d3"}) b.put_device(id);
    b.say("/p/d1/online");
    b.say("/p/d2/online");
    b.say("/p/d1/properties/report", kReport);
    b.say("/p/d3/online");
    CHECK(b.is_online("d1"));
    CHECK_FALSE(b.is_online("d2"));
    CHECK(b.is_online("d3"));
    CHECK(b.access->sessions() == 2);
    b.say("/p/d2/online");
    CHECK_FALSE(b.is_online("d1"));
    CHECK(b.is_online("d2"));
  }

  TEST_CASE("what changes about a device reaches its session within a minute, though nothing connects anew") {
    Bench b;
    b.put_device("d1");
    b.say("/p/d1/time-sync", "{}");
    b.put("product", "p", {{"accessId", "gw"}, {"configuration", json::object{{"downQos", "0"}}}});
    b.say("/p/d1/time-sync", "{}");
    b.clock.advance(VirtualSessions::kRecheck);
    b.say("/p/d1/time-sync", "{}");
    CHECK(b.client.published == Seen{"/p/d1/time-sync/reply 1", "/p/d1/time-sync/reply 1", "/p/d1/time-sync/reply 0"});
    b.say("/p/d1/online");
    b.put_device("d1", false);
    b.clock.advance(VirtualSessions::kRecheck);
    b.say("/p/d1/online");
    CHECK_FALSE(b.is_online("d1"));
    CHECK(b.access->sessions() == 0);
  }

  TEST_CASE("children speak through their gateway device [access 5.1]") {
    Bench b;
    b.put_device("gate");
    b.put_device("c1", true, "gate");
    b.say("/p/gate/child/c1/properties/report", kReport);
    CHECK(b.seen() == Seen{"ONLINE gate", "ONLINE c1", "REPORT_PROPERTY c1"});
    REQUIRE(b.is_online("c1"));
    CHECK(b.sessions.find("c1")->parent_id == "gate");
    CHECK(b.sessions.find("c1")->network_id == "broker");
    (void)read(b, "c1");
    CHECK(b.client.published == Seen{"/p/gate/child/c1/properties/read 1"});
    b.say("/p/gate/offline");
    CHECK(b.seen() == Seen{"OFFLINE c1", "OFFLINE gate"});
  }

  TEST_CASE("a session elsewhere takes the device over, and a message here takes it back [access 5.1]") {
    Bench b;
    b.put_device("d1");
    b.say("/p/d1/online");
    auto elsewhere = std::make_shared<Session>(*b.sessions.find("d1"));
    elsewhere->live.reset();
    const auto before = b.sessions.put(elsewhere);
    b.run([&] {
      if (const auto live = before->live.lock()) live->end(EndReason::taken_over);
    });
    CHECK(b.access->sessions() == 0);
    CHECK(b.sessions.find("d1") == elsewhere);
    b.say("/p/d1/online");
    CHECK(b.sessions.find("d1") != elsewhere);
  }

  TEST_CASE("REGISTER of an unknown device with product and name creates it, and it is online [access 5.1]") {
    Bench b;
    b.say(
        "/p/new/register",
        R"({"headers":{"productId":"p","deviceName":"N","configuration":{"secureKey":"k","selfManageState":false}}})");
    REQUIRE(b.provisioner.wishes.size() == 1);
    const auto& [wish, done] = b.provisioner.wishes[0];
    CHECK(wish.device_id == "new");
    CHECK(wish.product_id == "p");
    CHECK(wish.name == "N");
    CHECK(wish.parent_id.empty());
    CHECK(wish.configuration == json::object{{"secureKey", "k"}});
    CHECK_FALSE(b.is_online("new"));
    b.put_device("new");
    done({});
    CHECK(b.seen() == Seen{"ONLINE new", "REGISTER new"});
    CHECK(b.is_online("new"));
    CHECK(b.provisioner.wishes.size() == 1);
  }

  TEST_CASE("a registered device that manages its own state stays offline until it says otherwise [access 5.1]") {
    Bench b;
    b.say("/p/new/register",
          R"({"headers":{"productId":"p","deviceName":"N","configuration":{"selfManageState":true}}})");
    REQUIRE(b.provisioner.wishes.size() == 1);
    CHECK(b.provisioner.wishes[0].first.self_manage_state);
    b.put_device("new");
    b.provisioner.wishes[0].second({});
    CHECK(b.seen() == Seen{"REGISTER new"});
    CHECK_FALSE(b.is_online("new"));
  }

  TEST_CASE("registrations without product or name, for others' products, or that fail create nobody [access 5.1]") {
    Bench b;
    b.put("product", "off", {{"accessId", "gw"}}, false);
    b.put("gateway", "other",
          {{"provider", "mqtt-client-gateway"}, {"channelId", "elsewhere"}, {"protocol", "official"}});
    b.put("product", "theirs", {{"accessId", "other"}});
    for (const char* payload : {"{}", R"({"headers":{"productId":"p"}})", R"({"headers":{"deviceName":"N"}})",
                                "{broken", R"({"headers":{"productId":"nosuch","deviceName":"N"}})",
                                R"({"headers":{"productId":"theirs","deviceName":"N"}})",
                                R"({"headers":{"productId":"off","deviceName":"N"}})"}) {
      CAPTURE(payload);
      b.say("/p/new/register", payload);
      CHECK(b.provisioner.wishes.empty());
    }
    b.say("/p/gate/child/new/register", kRegister);
    CHECK(b.provisioner.wishes.empty());
    CHECK(b.counters->refused == 8);
    b.say("/p/new/register", kRegister);
    REQUIRE(b.provisioner.wishes.size() == 1);
    b.provisioner.wishes[0].second(Error(Errc::invalid, "no"));
    CHECK(b.seen().empty());
    CHECK(b.access->sessions() == 0);
    b.say("/p/new/register", kRegister);
    CHECK(b.provisioner.wishes.size() == 2);
  }

  TEST_CASE("registrations on their way are bounded, one for each device") {
    Bench b;
    b.say("/p/n0/register", kRegister);
    b.say("/p/n0/register", kRegister);
    CHECK(b.provisioner.wishes.size() == 1);
    for (std::size_t i = 1; i < 2 * MqttClientAccess::kMaxRegistrations; ++i)
      b.say("/p/n" + std::to_string(i) + "/register", kRegister);
    CHECK(b.provisioner.wishes.size() == MqttClientAccess::kMaxRegistrations);
  }

  TEST_CASE("when the component stops its devices are offline, and what was on its way comes to nothing") {
    Bench b;
    b.put_device("d1");
    b.say("/p/d1/online");
    b.say("/p/new/register", kRegister);
    (void)b.seen();
    b.access->stop();
    CHECK(b.sessions.size() == 0);
    CHECK(b.seen() == Seen{"OFFLINE d1"});
    b.put_device("new");
    REQUIRE(b.provisioner.wishes.size() == 1);
    b.provisioner.wishes[0].second({});
    b.run([] {});
    CHECK(b.access->sessions() == 0);
    CHECK(b.seen().empty());
  }
}

}  // namespace jl::access
