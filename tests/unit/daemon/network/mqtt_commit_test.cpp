// An acknowledgement leaves only after the turn that produced it is committed.
#include "daemon/network/mqtt_server.hpp"

#include "tests/unit/daemon/network/mqtt_support.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <string>

namespace jl::network {
namespace {

using namespace test;

// A house with one admitted client, and a commit that a test holds back.
struct CommitHouse : MqttHouse {
  explicit CommitHouse(int version = 4) {
    start();
    client.emplace(port(), Connect{.client_id = "c", .version = version});
    settle(*client);
  }
  void hold() {
    run_on(threads.at(0), [this] { commit.holds = true; });
    // That turn is held as well; let it go, so that the next one is the first to wait.
    REQUIRE(eventually([this] { return is_held(); }));
    release();
  }
  bool is_held() {
    return run_on(threads.at(0), [this] { return commit.held != nullptr; });
  }
  /// Ends the held commit.
  void release(bool ok = true) {
    threads.at(0).post([this, ok] {
      if (commit.held) std::exchange(commit.held, nullptr)(ok);
    });
  }
  std::optional<MqttClient> client;
};

TEST_SUITE("network.mqtt_commit") {
  TEST_CASE("PUBACK comes only after the commit of its turn has ended [MQTT5 4.3.2]") {
    CommitHouse house;
    house.handler->take = [&](auto&, const auto&) {
      house.commit.holds = true;
      return ReasonCode::success;
    };
    house.client->send(publish("/t", "x", 1, 5));
    REQUIRE(eventually([&] { return house.is_held(); }));
    CHECK(house.handler->log().back() == "publish c /t x");
    CHECK(house.client->is_quiet());
    // More work of the thread changes nothing about that.
    settle(house.threads.at(0));
    house.pass(1000);
    CHECK(house.client->is_quiet());
    run_on(house.threads.at(0), [&] { house.commit.holds = false; });
    house.release();
    CHECK(house.client->read_packet() == puback(5));
  }

  TEST_CASE("when the commit fails the client is closed without PUBACK") {
    CommitHouse house;
    house.handler->take = [&](auto&, const auto&) {
      house.commit.fails = true;
      return ReasonCode::success;
    };
    house.client->send(publish("/t", "x", 1, 5));
    CHECK(house.handler->wait_closed(1)[0].cause == CloseCause::storage_failure);
    CHECK(house.client->at_end());
    house.client->close();
    CHECK(house.is_empty());
    CHECK(house.handler->closed().size() == 1);
  }

  TEST_CASE("a MQTT 5 client hears of a failed commit in DISCONNECT, again without PUBACK [MQTT5 3.14.2.1]") {
    CommitHouse house(5);
    house.handler->take = [&](auto&, const auto&) {
      house.commit.holds = true;
      return ReasonCode::success;
    };
    house.client->send(publish("/t", "x", 1, 5, 5));
    REQUIRE(eventually([&] { return house.is_held(); }));
    run_on(house.threads.at(0), [&] { house.commit.holds = false; });
    house.release(false);
    const std::string goodbye = house.client->read_packet();
    REQUIRE(goodbye.size() >= 3);
    CHECK(static_cast<unsigned char>(goodbye[0]) == 0xE0);
    CHECK(static_cast<unsigned char>(goodbye[2]) == 0x80);
    CHECK(house.client->at_end());
    CHECK(house.handler->wait_closed(1)[0].cause == CloseCause::storage_failure);
  }

  TEST_CASE("after one failed commit the next clients are served") {
    CommitHouse house;
    house.handler->take = [&](auto&, const mqtt::PublishView& message) {
      house.commit.fails = message.payload == "fail";
      return ReasonCode::success;
    };
    house.client->send(publish("/t", "fail", 1, 5));
    CHECK(house.client->at_end());
    MqttClient other;
    // What fails is the log, so that even CONNECT fails as long as it does.
    run_on(house.threads.at(0), [&] { house.commit.fails = false; });
    REQUIRE(other.open(house.port()));
    other.send(connect({.client_id = "other"}) + publish("/t", "good", 1, 6));
    CHECK(other.read_packet() == kConnackOk);
    CHECK(other.read_packet() == puback(6));
  }

  TEST_CASE("what is written while a commit is on its way leaves with the next one") {
    CommitHouse house;
    const auto connection = house.handler->find("c");
    house.handler->take = [&](auto&, const auto&) {
      house.commit.holds = true;
      return ReasonCode::success;
    };
    house.client->send(publish("/t", "x", 1, 5));
    REQUIRE(eventually([&] { return house.is_held(); }));
    run_on(house.threads.at(0), [&] { CHECK(connection->publish({.topic = "/d", .payload = "later"})); });
    // Ends the commit of the PUBACK; the commit of the message is held in turn.
    house.release();
    CHECK(house.client->read_packet() == puback(5));
    REQUIRE(eventually([&] { return house.is_held(); }));
    CHECK(house.client->is_quiet());
    run_on(house.threads.at(0), [&] { house.commit.holds = false; });
    house.release();
    CHECK(house.client->read_packet() == publish("/d", "later"));
  }

  TEST_CASE("a message sent in every commit does not starve the ones before it") {
    CommitHouse house;
    const auto connection = house.handler->find("c");
    house.hold();
    for (int i = 0; i < 10; ++i) {
      REQUIRE(eventually([&] { return house.is_held(); }));
      run_on(house.threads.at(0), [&] { CHECK(connection->publish({.topic = "/d", .payload = std::to_string(i)})); });
      // Ends the commit that covers the message before; the one just written waits for the next.
      house.release();
      if (i > 0) CHECK(house.client->read_packet() == publish("/d", std::to_string(i - 1)));
      CHECK(house.client->is_quiet());
    }
  }

  TEST_CASE("stop with a commit that never ends still ends, and on_close comes") {
    CommitHouse house;
    house.hold();
    run_on(house.threads.at(0), [&] { house.commit.holds = true; });
    house.server->stop(std::chrono::milliseconds(0));
    CHECK(house.handler->closed().size() == 1);
    CHECK(house.counters().connections == 0);
  }
}

}  // namespace
}  // namespace jl::network
