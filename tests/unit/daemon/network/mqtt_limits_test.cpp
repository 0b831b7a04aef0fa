#include "daemon/network/mqtt_server.hpp"

#include "tests/unit/daemon/network/mqtt_support.hpp"

#include <doctest/doctest.h>
#include <string>
#include <vector>

namespace jl::network {
namespace {

using namespace test;

TEST_SUITE("network.mqtt_limits") {
  TEST_CASE("a client that sends no CONNECT is closed without an answer when its time is up [MQTT5 3.1.4]") {
    MqttHouse house;
    house.options.connect_timeout = std::chrono::seconds(10);
    house.start();
    MqttClient silent(house.port());
    MqttClient partial(house.port());
    partial.send(connect({}).substr(0, 5));
    MqttClient prompt(house.port(), {.keep_alive = 600});
    CHECK(eventually([&] { return house.counters().connections == 3; }));
    settle(house.threads.at(0));
    house.pass(9'900);
    house.settle(prompt);
    CHECK(house.counters().connections == 3);
    house.pass(400);
    CHECK(silent.at_end());
    CHECK(partial.at_end());
    house.settle(prompt);
    CHECK(house.counters().rejected == 2);
    CHECK(house.handler->log().size() == 1);
  }

  TEST_CASE("a client whose fate is not decided in time is refused as server unavailable") {
    MqttHouse house;
    house.handler->decide = [](MqttConnection&, const auto&) {};
    house.start();
    MqttClient old(house.port());
    old.send(connect({.client_id = "old"}));
    MqttClient modern(house.port());
    modern.send(connect({.client_id = "modern", .version = 5}));
    CHECK(eventually([&] { return house.handler->find("old") && house.handler->find("modern"); }));
    house.pass(10'500);
    CHECK(old.read_packet() == connack(3));
    const std::string answer = modern.read_packet();
    REQUIRE(answer.size() >= 4);
    CHECK(static_cast<unsigned char>(answer[3]) == 0x88);
    CHECK(old.at_end());
    for (const auto& closed : house.handler->wait_closed(2)) CHECK(closed.cause == CloseCause::connect_timeout);
    // Too late; nothing may come of it.
    if (const auto late = house.handler->find("old")) run_on(late->thread(), [&] { late->accept({}); });
    CHECK(house.counters().connected == 0);
  }

  TEST_CASE(
      "silence of one and a half keep alives ends the connection, for the patient ten seconds more [MQTT-3.1.2-24]") {
    struct Row {
      std::size_t keep_alive;
      Millis limit;
      bool is_patient = false;
    };
    for (const Row row : {Row{60, 90'000}, Row{4, 6000}, Row{60, 90'000, true}, Row{4, 14'000, true}}) {
      CAPTURE(row.keep_alive);
      CAPTURE(row.is_patient);
      MqttHouse house;
      house.handler->decide = [&](MqttConnection& connection, const auto&) {
        if (row.is_patient) connection.be_patient();
        connection.accept({});
      };
      house.start();
      MqttClient client(house.port(), {.version = 5, .keep_alive = row.keep_alive});
      house.pass(row.limit);
      CHECK(client.is_quiet());
      house.settle(client);  // and that packet counts
      house.pass(row.limit);
      settle(house.threads.at(0));
      CHECK(client.is_quiet());
      house.pass(2 * TimerWheel::kResolution);
      const std::string goodbye = client.read_packet();
      REQUIRE(goodbye.size() >= 3);
      CHECK(static_cast<unsigned char>(goodbye[0]) == 0xE0);
      CHECK(static_cast<unsigned char>(goodbye[2]) == 0x8D);
      CHECK(house.handler->wait_closed(1)[0].cause == CloseCause::keep_alive_timeout);
    }
  }

  TEST_CASE("a message to the client counts as activity, and last_activity tells") {
    MqttHouse house;
    house.start();
    MqttClient client(house.port(), {.client_id = "c", .keep_alive = 60});
    const auto connection = house.handler->find("c");
    house.pass(80'000);
    const Millis sent = run_on(connection->thread(), [&] {
      CHECK(connection->publish({.topic = "/t", .payload = "x"}));
      return connection->last_activity();
    });
    CHECK(sent == house.clock.steady());
    CHECK(client.read_packet() == publish("/t", "x"));
    house.pass(80'000);
    house.settle(client);
    CHECK(house.handler->closed().empty());
  }

  TEST_CASE("a keep alive of zero means for ever [MQTT5 3.1.2.10]") {
    MqttHouse house;
    house.start();
    MqttClient client(house.port(), {.keep_alive = 0});
    house.pass(Millis{365} * 24 * 3600 * 1000);
    house.settle(client);
  }

  TEST_CASE("connections over the limit hear that the server is busy and do not disturb the others") {
    MqttHouse house(2);
    house.options.max_connections = 2;
    house.start();
    MqttClient a(house.port(), {.client_id = "a"});
    MqttClient b(house.port(), {.client_id = "b"});
    MqttClient old(house.port());
    old.send(connect({.client_id = "old"}));
    CHECK(old.read_packet() == connack(3));
    CHECK(old.at_end());
    MqttClient modern(house.port());
    modern.send(connect({.client_id = "modern", .version = 5}));
    const std::string answer = modern.read_packet();
    REQUIRE(answer.size() >= 4);
    CHECK(static_cast<unsigned char>(answer[3]) == 0x89);
    CHECK(house.counters().over_limit == 2);
    CHECK(house.counters().rejected == 2);
    house.settle(a);
    house.settle(b);
    CHECK(house.handler->find("old") == nullptr);
    CHECK(house.handler->closed().empty());
    // A place that becomes free is a place.
    old.close(), modern.close();
    a.send(kDisconnect);
    CHECK(a.at_end());
    CHECK(eventually([&] { return house.counters().connections == 1; }));
    MqttClient c(house.port(), {.client_id = "c"});
    house.settle(c);
  }

  TEST_CASE("the refusal lane is bounded in number and time") {
    MqttHouse house;
    house.options.max_connections = 0;
    house.start();
    std::vector<MqttClient> waiting;
    for (int i = 0; i < 256; ++i) waiting.emplace_back(house.port());
    CHECK(eventually([&] { return house.counters().connections == 256; }));
    MqttClient beyond(house.port());
    CHECK(beyond.at_end());
    CHECK(house.counters().rejected == 1);
    settle(house.threads.at(0));
    house.pass(1'900);
    settle(house.threads.at(0));
    CHECK(waiting.front().is_quiet());
    house.pass(400);
    for (const MqttClient& client : waiting) CHECK(client.at_end());
    waiting.clear();
    CHECK(house.is_empty());
    CHECK(house.counters().rejected == 257);
    CHECK(house.counters().over_limit == 257);
  }

  TEST_CASE("a client that does not take what it is sent is closed") {
    MqttHouse house;
    house.options.max_send_bytes = 64 * 1024;
    house.start();
    MqttClient client;
    client.set_receive_buffer(4096);
    REQUIRE(client.open(house.port()));
    client.send(connect({.client_id = "slow"}));
    REQUIRE(client.read_packet() == kConnackOk);
    const auto connection = house.handler->find("slow");
    const std::string payload(8 * 1024, 'x');
    int sent = 0;
    // In turns of their own, as messages come in life; bounded by what the kernel can buffer for us.
    while (sent < 10'000 &&
           run_on(connection->thread(), [&] { return connection->publish({.topic = "/t", .payload = payload}); })) {
      ++sent;
    }
    CHECK(sent > 8);
    CHECK(sent < 10'000);
    CHECK(house.handler->wait_closed(1)[0].cause == CloseCause::slow_consumer);
    CHECK(house.is_empty());
    CHECK(house.counters().slow_consumers == 1);
  }

  TEST_CASE("a burst within one turn is cut at the limit without closing a client that keeps up") {
    MqttHouse house;
    house.options.max_send_bytes = 64 * 1024;
    house.start();
    MqttClient client(house.port(), {.client_id = "quick"});
    const auto connection = house.handler->find("quick");
    const std::string payload(8 * 1024, 'x');
    const int taken = run_on(connection->thread(), [&] {
      int count = 0;
      while (count < 100 && connection->publish({.topic = "/t", .payload = payload})) ++count;
      return count;
    });
    CHECK(taken == 8);
    for (int i = 0; i < taken; ++i) CHECK(client.read_packet() == publish("/t", payload));
    house.settle(client);
  }

  TEST_CASE("a client that does not read its answers is not read from, and loses none of them") {
    MqttHouse house;
    house.start();
    MqttClient client;
    client.set_receive_buffer(4096);
    REQUIRE(client.open(house.port()));
    client.send(connect({.client_id = "flood"}));
    REQUIRE(client.read_packet() == kConnackOk);
    std::string pings;
    for (int i = 0; i < 8192; ++i) pings += kPingreq;
    // Until the pipe is full: the kernel's buffers, ours, and then nothing moves although the server is idle.
    std::size_t sent = 0;
    std::uint64_t seen = 0;
    for (int idle = 0; idle < 20;) {
      const std::size_t now = client.send_some(std::string_view(pings).substr(sent % 2));
      sent += now;
      settle(house.threads.at(0));
      const std::uint64_t received = house.counters().received_bytes;
      idle = now == 0 && received == seen ? idle + 1 : 0;
      seen = received;
      REQUIRE(sent < std::size_t{256} * 1024 * 1024);
    }
    CHECK(seen < sent);
    CHECK(house.counters().connections == 1);
    // Now it reads, and everything goes on.
    const std::string answers = client.read(sent / 2 * 2);
    CHECK(answers.size() == sent / 2 * 2);
    CHECK(answers.find_first_not_of(kPingresp) == std::string::npos);
    if (sent % 2 == 1) {
      client.send(kPingreq.substr(1));
      CHECK(client.read_packet() == kPingresp);
    }
    house.settle(client);
    CHECK(house.counters().slow_consumers == 0);
  }
}

}  // namespace
}  // namespace jl::network
